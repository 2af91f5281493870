"""Exponential moving average of weights: the weights that are evaluated and shipped."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class MovingAverage:
    """Average `w <- decay w + (1 - decay) w_new`; the decay grows with the number of updates up to its limit.

    Frozen parameters are the model's own: a pretrained trunk is in memory once.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        """`decay` in [0, 1); 0 keeps the newest weights only."""
        frozen = {id(parameter): parameter for parameter in model.parameters() if not parameter.requires_grad}
        self.model = copy.deepcopy(model, frozen).eval()
        self._decay = decay
        self._average: list[Tensor] = [p for p in self.model.parameters() if p.requires_grad]
        self.model.requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, updates: int) -> None:
        """Take in the weights after update number `updates`, from 1."""
        decay = min(self._decay, updates / (updates + 9.0))
        newest: list[Tensor] = [parameter for parameter in model.parameters() if parameter.requires_grad]
        torch._foreach_lerp_(self._average, newest, 1.0 - decay)
