"""Eq. 2: each head's actions and tokens against the demonstrated ones, where there are any; means instead of sums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from segue_policies.methods.chain_of_action.config import ChainConfig
from segue_policies.methods.chain_of_action.model import ChainTraining

Distance = Literal["l1", "l2"]

_GROUPS = 4  # chains of about one length are computed together: most are much shorter than the longest


def chain_loss(
    net: ChainTraining, config: ChainConfig, context: Tensor, actions: Tensor, real: Tensor
) -> Tensor:
    """Scalar, of chains (B, n, D) in the order of decoding and which of their actions there are, (B, n).

    place t      0    1    2    3          chain of 4 actions
    head k = 0   a0   a1   a2   a3
    head k = 1   a1   a2   a3   -          nothing is asked beyond the end
    """
    weight = _weights(config, real)
    sums = [weight[:, : real.shape[1] - k].mul(real[:, k:]).sum().clamp(min=1) for k in range(real.shape[1])]
    total = actions.new_zeros(())
    for part, longest in by_length(real):
        shown = (context[part], actions[part, :longest], real[part, :longest], weight[part, :longest])
        total = total + _summed(net, config, *shown, sums)
    return total


def by_length(real: Tensor) -> Iterator[tuple[Tensor, int]]:
    """Indices (b,) of some chains, and the length of the longest of them: all that have actions, once."""
    lengths = real.sum(dim=1)
    order = lengths.argsort()[int((lengths == 0).sum()) :]
    for part in order.chunk(_GROUPS) if len(order) else ():
        yield part, int(lengths[part[-1]])


def _weights(config: ChainConfig, real: Tensor) -> Tensor:
    """(B, n): of what is predicted in each place."""
    weight = torch.ones_like(real, dtype=torch.float32)
    weight[:, 0] = config.begin_weight
    return weight


def _summed(
    net: ChainTraining, config: ChainConfig, context: Tensor, actions: Tensor, real: Tensor, weight: Tensor,
    sums: list[Tensor],
) -> Tensor:  # fmt: skip
    tokens = net.net.enter(actions)
    before = tokens
    if net.training and config.chain_noise:
        before = net.net.enter(actions + config.chain_noise * torch.randn_like(actions))
    total = actions.new_zeros(())
    for step, predicted in enumerate(net(before, context)[: actions.shape[1]]):
        kept = predicted.shape[1] - step
        there, share = slice(step, None), weight[:, :kept] * real[:, step:] / sums[step]
        decoded = net.net.leave(predicted[:, :kept])
        total = total + masked(config.distance, decoded, actions[:, there], share)
        if config.consistency == "latent":
            total = total + config.consistency_weight * masked(
                config.distance, predicted[:, :kept], tokens[:, there], share
            )
    if config.consistency == "action":
        again = masked(config.distance, net.net.leave(tokens), actions, real / sums[0])
        total = total + config.consistency_weight * again
    return total


def masked(distance: Distance, predicted: Tensor, wanted: Tensor, share: Tensor) -> Tensor:
    """Sum over places of the mean error of their entries; (B, n, F), (B, n, F), weights (B, n)."""
    far = functional.l1_loss if distance == "l1" else functional.mse_loss
    each = far(predicted.float(), wanted.float(), reduction="none").mean(dim=-1)
    return (each * share).sum()
