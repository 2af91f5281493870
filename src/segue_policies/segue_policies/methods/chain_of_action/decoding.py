"""A chain, action by action, until it has arrived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from segue_policies.methods.chain_of_action.layers import stacked
from segue_policies.methods.chain_of_action.model import ChainNet

Arrived = Callable[[int, Tensor, Tensor], Tensor]
"""From the number of actions, the first and the newest, both (B, D) normalised, to whether they have arrived, (B,)."""


@dataclass(frozen=True, eq=False)
class Chains:
    """What was decoded.

    Args:
        actions: (B, n, D), normalised, in the order of decoding.
        counts: (B,), actions up to the one with which a chain arrived; n where it did not.
        arrived: (B,).
    """

    actions: Tensor
    counts: Tensor
    arrived: Tensor


def decode(net: ChainNet, context: Tensor, arrived: Arrived, most: int, cached: bool = True) -> Chains:
    """At most `most` actions of each chain after a context (B, M, W); all are decoded until the last one arrives.

    Without `cached` keys and values the whole chain is computed again for every action, to the same answer.
    """
    kept = net.keep(context) if cached else []
    tokens: list[Tensor] = []
    actions: list[Tensor] = []
    done = torch.zeros(len(context), dtype=torch.bool, device=context.device)
    counts = torch.full_like(done, most, dtype=torch.long)
    while len(actions) < most and not done.all():
        tokens.append(
            net.step(tokens[-1] if tokens else None, kept) if cached else _again(net, tokens, context)
        )
        actions.append(net.leave(tokens[-1]).float())
        there = arrived(len(actions), actions[0][:, 0], actions[-1][:, 0])
        counts = torch.where(there & ~done, len(actions), counts)
        done = done | there
    return Chains(torch.cat(actions, dim=1), counts, done)


def _again(net: ChainNet, tokens: list[Tensor], context: Tensor) -> Tensor:
    before = stacked(tokens) if tokens else context[:, :0]
    predicted: Tensor = net(before, context)
    return predicted[:, -1:]
