"""One-shot guidance, Legato's baseline (arXiv 2602.12978, Eq. 4-5, Table A.2): the reference enters the noise only.

    X_t = (1 - t)(omega A + (1 - omega) eps) + t A,      u = A - (omega A + (1 - omega) eps)

The network is not told omega: it has to see in the noise what is held, as the paper's baseline has. The schedules are
those of Legato, so that the two differ in the guidance of the steps alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from segue_policies.flow.config import FlowConfig
from segue_policies.flow.objectives.base import Objective
from segue_policies.flow.schedules import random_schedules


class OneShot(Objective):
    """A plain velocity on a path that begins nearer to the data."""

    name = "one_shot"

    def trained_lengths(self, config: FlowConfig) -> tuple[int, int]:
        """Those of the random schedules."""
        return config.max_delay, config.max_ramp

    def schedules(self, count: int, config: FlowConfig, generator: torch.Generator) -> Tensor:
        """As Legato's."""
        return random_schedules(
            count, config.horizon, config.max_delay, config.max_ramp, config.free_share, generator
        )

    def told(self, omega: Tensor) -> Tensor:
        """Nothing."""
        return torch.zeros_like(omega)
