"""Eq. 2: each head's actions and tokens against the demonstrated ones, where there are any; means instead of sums."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional

from segue_policies.chain_of_action.config import ChainConfig
from segue_policies.chain_of_action.model import ChainTraining

Distance = Literal["l1", "l2"]


def chain_loss(
    net: ChainTraining, config: ChainConfig, context: Tensor, actions: Tensor, real: Tensor
) -> Tensor:
    """Scalar, of chains (B, n, D) in the order of decoding and which of their actions there are, (B, n).

    place t      0    1    2    3          chain of 4 actions
    head k = 0   a0   a1   a2   a3
    head k = 1   a1   a2   a3   -          nothing is asked beyond the end
    """
    tokens = net.net.enter(actions)
    total = actions.new_zeros(())
    for step, predicted in enumerate(net(tokens, context)[: actions.shape[1]]):
        kept = predicted.shape[1] - step
        there, mask = slice(step, None), real[:, step:]
        decoded = net.net.leave(predicted[:, :kept])
        total = total + masked(config.distance, decoded, actions[:, there], mask)
        if config.consistency == "latent":
            total = total + config.consistency_weight * masked(
                config.distance, predicted[:, :kept], tokens[:, there], mask
            )
    if config.consistency == "action":
        again = masked(config.distance, net.net.leave(tokens), actions, real)
        total = total + config.consistency_weight * again
    return total


def masked(distance: Distance, predicted: Tensor, wanted: Tensor, real: Tensor) -> Tensor:
    """Mean over the entries of rows that there are; (B, n, F), (B, n, F), (B, n)."""
    far = functional.l1_loss if distance == "l1" else functional.mse_loss
    each = far(predicted.float(), wanted.float(), reduction="none").mean(dim=-1)
    return (each * real).sum() / real.sum().clamp(min=1)
