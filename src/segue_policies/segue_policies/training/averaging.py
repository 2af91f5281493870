"""Exponential moving average of weights: the weights that are evaluated and shipped."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class MovingAverage:
    """Average `w <- decay w + (1 - decay) w_new`; the decay grows with the number of updates up to its limit."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        """`decay` in [0, 1); 0 keeps the newest weights only."""
        self.model = copy.deepcopy(model).requires_grad_(False).eval()
        self._decay = decay
        self._average: list[Tensor] = list(self.model.parameters())

    @torch.no_grad()
    def update(self, model: nn.Module, updates: int) -> None:
        """Take in the weights after update number `updates`, from 1."""
        decay = min(self._decay, updates / (updates + 9.0))
        torch._foreach_lerp_(self._average, list(model.parameters()), 1.0 - decay)
