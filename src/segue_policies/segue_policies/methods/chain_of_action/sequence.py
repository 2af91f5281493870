"""Which rows of a chunk are the actions of a chain, and in which order.

tick        0    1    2    3    4    5    6        a chain of 7 ticks, every = 2: the keyframe is in row 6
picked      a0        a2        a4        a6       counted from the keyframe back
reverse     a6 a4 a2 a0
forward     a0 a2 a4 a6
hybrid      a6 a0 a2 a4
"""

from __future__ import annotations

import torch
from torch import Tensor

from segue_policies.methods.chain_of_action.config import Order


def picked(lengths: Tensor, actions: int, every: int, order: Order) -> tuple[Tensor, Tensor]:
    """Rows of the actions of chains of `lengths` (B,) ticks.

    Returns:
        rows (B, actions), and which of them there are (B, actions); the others are row 0.
    """
    counts = torch.div(lengths - 1, every, rounding_mode="floor") + 1  # 0 for a chain of no ticks
    place = torch.arange(actions, device=lengths.device).expand(len(lengths), -1)
    real = place < counts[:, None]
    back = _steps_back(place, counts[:, None], order)  # from the keyframe
    rows = lengths[:, None] - 1 - back * every
    return torch.where(real, rows, 0), real


def _steps_back(place: Tensor, counts: Tensor, order: Order) -> Tensor:
    if order == "reverse":
        return place
    if order == "forward":
        return counts - 1 - place
    return torch.where(place == 0, 0, counts - place)


def with_end(chains: Tensor, real: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
    """Chains (B, n, D), `real` (B, n), each with `end` (B, D) behind its last action, if it has any."""
    counts = real.sum(dim=1)
    place = torch.arange(chains.shape[1] + 1, device=chains.device)
    longer = torch.cat([chains, chains[:, -1:]], dim=1)
    last = (place == counts[:, None]) & (counts > 0)[:, None]
    made = torch.where(last[..., None], end[:, None], longer)
    return made, (place <= counts[:, None]) & (counts > 0)[:, None]


def in_time(actions: Tensor, order: Order) -> Tensor:
    """A decoded chain (n, D) from the present on."""
    if order == "reverse":
        return actions.flip(0)
    if order == "forward":
        return actions
    return torch.cat([actions[1:], actions[:1]])
