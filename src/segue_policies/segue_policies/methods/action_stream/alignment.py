"""Step-wise action alignment (S-AA, section 3.3): the first action of the policy's own stream that it likes too much.

    demonstration   e_0   e_1   e_2   ...
    own stream      a_0   a_1   a_2   ...         context of unit h: the prompt and a_0 .. a_(h-1)
    R(a) = beta log(pi(a) / pi_ref(a))            Eq. 7, for a_h and for e_h in that context
    divergence      the first h with R(a_h) > R(e_h); there alone DPO prefers e_h to a_h (Eq. 8)

All e_h are read in one pass beside the own stream, each as a branch that sees its context and itself:

    prompt | a_0 ; a_1 ; a_2 ; | e_0^1 .. e_0^(K-1) | e_1^1 .. e_1^(K-1) | ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from segue_policies.methods.action_stream.model import Prompt, StreamNet

SETTLED = 3
"""Evaluations over which rewards have to stay the same."""

UNSETTLED = 1e3
"""What fewer evaluations count as."""


@dataclass(frozen=True, eq=False)
class Rewards:
    """Of the units of a batch, (B, U): the policy's own, and the demonstrated ones in the same contexts."""

    own: Tensor
    expert: Tensor


def rewards(policy: tuple[Tensor, Tensor], reference: tuple[Tensor, Tensor], beta: float) -> Rewards:
    """Eq. 7, of log-probabilities (own, expert) under both."""
    own, expert = (beta * (ours - theirs) for ours, theirs in zip(policy, reference, strict=True))
    return Rewards(own, expert)


def first_divergence(found: Rewards, candidates: Tensor) -> Tensor:
    """The first of the `candidates` (B, U) whose own reward is above the expert's, (B,); -1 where there is none."""
    diverged = (found.own > found.expert) & candidates
    return torch.where(diverged.any(1), diverged.long().argmax(1), -1)


def aligned(found: Rewards, at: Tensor, imitation: Tensor, share: float) -> Tensor:
    """Losses (B,): preference at unit `at` (B,) mixed with `imitation` (B,), which stands alone where `at` is -1."""
    place = at.clamp(min=0)[:, None]
    winner, loser = (reward.gather(1, place)[:, 0] for reward in (found.expert, found.own))
    preference = -functional.logsigmoid(winner - loser)
    return torch.where(at < 0, imitation, share * preference + (1 - share) * imitation)


def candidates_of(own: Tensor, expert: Tensor, real: Tensor) -> Tensor:
    """Which units (B, U) of bins (B, U, K) can be a divergence: demonstrated ones that are not the same."""
    return real & (own != expert).any(2)


def log_probabilities(net: StreamNet, prompt: Prompt, own: Tensor, expert: Tensor) -> tuple[Tensor, Tensor]:
    """Of bins (B, U, K), each in the context of its own stream: (B, U) of the own units and of the expert's."""
    tokens, (units, dim) = net.tokens, own.shape[1:]
    trunk, branches = tokens.flat(own), tokens.ids(expert[:, :, :-1]).flatten(1)
    embedded = torch.cat([prompt.embedded, net.embed(trunk), net.embed(branches)], dim=1)
    before = prompt.mask.shape[1]
    mask, places = _branched(prompt.mask, units, dim)
    logits = net.read(
        embedded,
        attention_mask=mask[:, None],
        position_ids=places[None],
        logits_to_keep=embedded.shape[1] - before + 1,
        use_cache=False,
    ).logits
    said = logits.float().log_softmax(-1)
    along, beside = said[:, : trunk.shape[1] + 1], said[:, trunk.shape[1] + 1 :]
    first = along[:, : trunk.shape[1]].unflatten(1, (units, dim + 1))  # of a unit's tokens and its separator
    others = torch.cat([first[:, :, :1], beside.unflatten(1, (units, dim - 1))], dim=2)
    return _sums(first[:, :, :dim], tokens.ids(own)), _sums(others, tokens.ids(expert))


def _sums(said: Tensor, ids: Tensor) -> Tensor:
    return said.gather(-1, ids[..., None])[..., 0].sum(-1)


def _branched(prompt: Tensor, units: int, dim: int) -> tuple[Tensor, Tensor]:
    """Who reads whom, (B, Q, Q), and at which place each token stands, (Q,); `prompt` (B, T) says which are read."""
    before, long = prompt.shape[1], units * (dim + 1)
    at = torch.arange(before + long, device=prompt.device)
    step = torch.arange(units, device=prompt.device).repeat_interleave(dim - 1)
    inside = torch.arange(dim - 1, device=prompt.device).repeat(units)
    begins = before + step * (dim + 1)
    places = torch.cat([at, begins + inside])
    trunk = at[None] <= at[:, None]
    context = at[None] < begins[:, None]
    same = (step[None] == step[:, None]) & (inside[None] <= inside[:, None])
    unread = torch.zeros(len(at), len(step), dtype=torch.bool, device=prompt.device)
    whole = torch.cat([torch.cat([trunk, unread], dim=1), torch.cat([context, same], dim=1)])
    read = functional.pad(prompt.bool(), (0, len(places) - before), value=True)
    return whole[None] & read[:, None], places


def selection(winners: Sequence[float], losers: Sequence[float]) -> float:
    """How far the rewards of the newest evaluation are from the paper's rule (App. A.4), less is better.

    The gap between the expert's and the policy's reward is to be small, and both are to be stable: the largest change
    of either over the last `SETTLED` evaluations counts, too.
    """
    gap = abs(winners[-1] - losers[-1])
    if len(winners) < SETTLED:
        return UNSETTLED + gap
    recent = (winners[-SETTLED:], losers[-SETTLED:])
    return gap + max(max(curve) - min(curve) for curve in recent)
