"""Beam search over actions: after every action the `width` streams of the largest probability are kept.

    stream --> its `width` likeliest next actions, found token by token --> of all of them the `width` likeliest streams

What all kept streams have in common is final and is given at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from segue_policies.methods.action_stream.decoding import Running
from segue_policies.methods.action_stream.model import Prompt, StreamNet


def beam_search(
    net: StreamNet,
    prompt: Prompt,
    count: int,
    width: int,
    forced: Tensor | None = None,
    cached: bool = True,
) -> Iterator[Tensor]:
    """The bins (1, K) of each of `count` actions, for a prompt of one; the first are `forced` (1, n, K)."""
    running = Running(net, prompt, cached)
    streams = forced[:, :count] if forced is not None else prompt.mask.new_zeros(1, 0, net.tokens.dim)
    yield from streams.unbind(1)
    told, scores = streams.shape[1], torch.zeros(1, device=streams.device)
    if 0 < told < count:
        running.feed(net.tokens.flat(streams))
    while streams.shape[1] < count:
        streams, scores = _longer(net, running, streams, scores, width, streams.shape[1] == count - 1)
        final = streams.shape[1] if streams.shape[1] == count else _common(streams)
        best = streams[scores.argmax()]
        for number in range(told, final):
            yield best[None, number]
        told = max(told, final)


def _longer(
    net: StreamNet, running: Running, streams: Tensor, scores: Tensor, width: int, last: bool
) -> tuple[Tensor, Tensor]:
    """Streams (n, h + 1, K) and their log-probabilities (n,), of streams (m, h, K)."""
    parents, bins, totals = _candidates(net, running, scores, width)
    scores, best = totals.topk(min(width, len(totals)))
    streams = torch.cat([streams[parents[best]], bins[best][:, None]], dim=1)
    running.pick(best)
    if not last:
        running.feed(net.tokens.flat(bins[best][:, None])[:, -2:])
    return streams, scores


def _candidates(
    net: StreamNet, running: Running, scores: Tensor, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Up to `width` next actions of each of m streams: whose they are (n,), bins (n, K), log-probabilities (n,)."""
    streams, parents = len(scores), torch.arange(len(scores), device=scores.device)
    bins, totals = parents.new_zeros(streams, 0), scores
    while bins.shape[1] < net.tokens.dim:
        longer = (totals[:, None] + running.logits.log_softmax(-1)).view(streams, -1)
        totals, place = longer.topk(min(width, longer.shape[1]), dim=1)
        of_parent, chosen = place // running.logits.shape[1], place % running.logits.shape[1]
        each = len(running.logits) // streams
        rows = (of_parent + each * torch.arange(streams, device=place.device)[:, None]).flatten()
        bins = torch.cat([bins[rows], chosen.flatten()[:, None]], dim=1)
        parents, totals = parents[rows], totals.flatten()
        running.pick(rows)
        if bins.shape[1] < net.tokens.dim:
            running.feed(net.tokens.ids(bins[:, -1:]))
    return parents, bins, totals


def _common(streams: Tensor) -> int:
    """How many first actions are the same in all streams (n, h, K)."""
    same = (streams == streams[:1]).all(dim=2).all(dim=0)
    return int(same.long().cumprod(0).sum())
