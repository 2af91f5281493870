"""One-shot guidance, Legato's baseline (arXiv 2602.12978, Eq. 4-5, Table A.2): the reference enters the noise only.

    X_t = (1 - t)(omega A + (1 - omega) eps) + t A,      u = A - (omega A + (1 - omega) eps)

The network is not told omega: it has to see in the noise what is held, as the paper's baseline has. The schedules are
those of Legato, so that the two differ in the guidance of the steps alone.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue_core.policy import PredictRequest
from segue_policies.methods.flow.config import FlowConfig
from segue_policies.methods.flow.path import VelocityFn, mixture
from segue_policies.methods.flow.samplings.guided import guided
from segue_policies.methods.flow.scene import Scene
from segue_policies.methods.flow.schedules import random_schedules
from segue_policies.methods.flow.variant import Variant


class OneShot(Variant):
    """A plain velocity on a path that begins nearer to the data."""

    name = "one_shot"

    def trained_lengths(self, config: FlowConfig) -> tuple[int, int]:
        """Those of the random schedules."""
        return config.max_delay, config.max_ramp

    def schedules(self, count: int, config: FlowConfig, generator: torch.Generator) -> Tensor:
        """As Legato's: omega `(B, H)`."""
        return random_schedules(
            count, config.horizon, config.max_delay, config.max_ramp, config.free_share, generator
        )

    def condition(self, omega: Tensor) -> Tensor:
        """Nothing: zeros (B, H)."""
        return torch.zeros_like(omega)


def answer(scene: Scene, request: PredictRequest) -> NDArray[np.float32]:
    """A chunk (H, D) that begins at the mixture and is then let go."""
    return guided(scene, request, sample_one_shot)


def sample_one_shot(
    velocity_fn: VelocityFn, noise: Tensor, omega: Tensor, reference: Tensor, num_steps: int
) -> Tensor:
    """Baseline: the reference enters the initial noise only (Eq. 4-5, Table A.2), `(..., H, D)`.

    Arguments as for `sample`.
    """
    state = mixture(reference, noise, omega)
    for k in range(num_steps):
        time = torch.tensor(k / num_steps, dtype=noise.dtype, device=noise.device)
        state = state + velocity_fn(state, time, omega) / num_steps
    return state
