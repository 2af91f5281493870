"""A stream, action by action. Only the logits of an action's bins are ever chosen from, so nothing else can come out.

The separator is the only token that may follow a whole action; it is appended, not chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from segue_policies.methods.action_stream.config import DecodingConfig
from segue_policies.methods.action_stream.model import Prompt, StreamNet

Choose = Callable[[Tensor], Tensor]
"""From logits (B, 256) of the bins to the chosen ones (B,)."""


class Answering(Protocol):
    """A network that can be asked token by token."""

    def embed(self, ids: Tensor) -> Tensor:
        """Vectors (B, n, W) of tokens (B, n)."""

    def read(self, embedded: Tensor, **more: Any) -> Any:
        """The language model's answer to vectors (B, n, W)."""

    def choices(self, logits: Tensor) -> Tensor:
        """Of logits (..., V) those that are chosen from, (..., n)."""


class Running:
    """A prompt and what was decoded behind it, ready for the next token.

    With `cached` the keys and values of all that was read are kept: the prompt is read once, and a token costs one
    position. Without it everything is read again for every token, to the same logits.

    Where all prompts leave out the same places, these are taken out beforehand, at the same positions: making a mask
    for every token costs the library as much as reading it.
    """

    def __init__(self, net: Answering, prompt: Prompt, cached: bool = True) -> None:
        self._net, self._cached = net, cached
        self._embedded, self._mask = prompt.embedded, prompt.mask
        self._places = torch.arange(prompt.mask.shape[1], device=prompt.mask.device)
        if bool((prompt.mask == prompt.mask[:1]).all()):
            read = prompt.mask[0].bool()
            self._embedded, self._mask = self._embedded[:, read], self._mask[:, read]
            self._places = self._places[read]
        self._next = prompt.mask.shape[1]
        self._kept: Any = None
        self.logits = self._read(self._embedded, self._places)  # (B, n), of what may be chosen next

    def feed(self, ids: Tensor) -> None:
        """Go on behind tokens (B, n)."""
        new = self._net.embed(ids)
        places = torch.arange(self._next, self._next + ids.shape[1], device=ids.device)
        self._next += ids.shape[1]
        self._mask = torch.cat([self._mask, self._mask.new_ones(ids.shape)], dim=1)
        if not self._cached:
            self._embedded = new = torch.cat([self._embedded, new], dim=1)
            self._places = places = torch.cat([self._places, places])
        self.logits = self._read(new, places)

    def pick(self, rows: Tensor) -> None:
        """Go on from those of the streams, (n,) of their numbers; one may be there several times."""
        self._mask, self.logits = self._mask[rows], self.logits[rows]
        self._embedded = self._embedded[rows]
        if self._kept is not None:
            self._kept.reorder_cache(rows)

    def _read(self, new: Tensor, places: Tensor) -> Tensor:
        kept = {"past_key_values": self._kept, "use_cache": True} if self._cached else {"use_cache": False}
        answer = self._net.read(
            new, attention_mask=self._mask, position_ids=places[None], logits_to_keep=1, **kept
        )
        self._kept = answer.past_key_values if self._cached else None
        return self._net.choices(answer.logits[:, -1].float())


def decode(
    net: StreamNet,
    prompt: Prompt,
    count: int,
    choose: Choose,
    forced: Tensor | None = None,
    cached: bool = True,
) -> Iterator[Tensor]:
    """The bins (B, K) of each of `count` actions as they are decoded; the first are `forced` (B, n, K)."""
    running = Running(net, prompt, cached)
    given = (
        forced[:, :count]
        if forced is not None
        else prompt.mask.new_zeros(len(prompt.mask), 0, net.tokens.dim)
    )
    yield from given.unbind(1)
    left = count - given.shape[1]
    if left and given.shape[1]:
        running.feed(net.tokens.flat(given))
    for number in range(left):
        yield _unit(net, running, choose, last=number == left - 1)


def _unit(net: StreamNet, running: Running, choose: Choose, last: bool) -> Tensor:
    bins: list[Tensor] = []
    while len(bins) < net.tokens.dim:
        bins.append(choose(running.logits))
        if len(bins) < net.tokens.dim:
            running.feed(net.tokens.ids(bins[-1])[:, None])
    if not last:
        running.feed(net.tokens.flat(bins[-1][:, None, None]))
    return torch.stack(bins, dim=1)


def chooser(config: DecodingConfig, generator: torch.Generator) -> Choose:
    """How `config` chooses a token: `greedy`, or `sample` by draws of `generator`, a CPU's."""
    if config.strategy == "greedy":
        return likeliest

    def draw(logits: Tensor) -> Tensor:
        shares = filtered(logits / config.temperature, config.top_k, config.top_p).softmax(-1)
        return torch.multinomial(shares.cpu(), 1, generator=generator)[:, 0].to(logits.device)

    return draw


def likeliest(logits: Tensor) -> Tensor:
    """The bins (B,) of the largest logits (B, 256)."""
    return logits.argmax(-1)


def filtered(logits: Tensor, top_k: int, top_p: float) -> Tensor:
    """Logits (B, n), -inf at what is not drawn: not among the `top_k` (0: all), or behind `top_p` of probability."""
    order = logits.argsort(-1, descending=True)
    ranked = logits.gather(-1, order)
    before = ranked.softmax(-1).cumsum(-1) - ranked.softmax(-1)  # probability of all that are likelier
    rank = torch.arange(logits.shape[-1], device=logits.device)
    dropped = (before >= top_p) | (rank >= (top_k or len(rank)))
    dropped[..., 0] = False
    return logits.masked_fill(torch.zeros_like(dropped).scatter(-1, order, dropped), -torch.inf)
