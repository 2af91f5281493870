"""Training-time RTC (arXiv 2512.05964): the first d rows are clean in training, as they will be when a chunk continues.

    row      0 ... d-1    d ... H-1           d ~ U{0..max_delay}
    time     1 ... 1      t ... t             per token
    X_t      A ... A      (1 - t) eps + t A
    loss     -            (A_hat - A)^2       over the postfix, normalised by its length

The time of each token reaches the network as the scalar t and the condition row, which is 1 where the time is 1.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue_core.errors import ConfigError, ErrorCode
from segue_core.policy import PredictRequest
from segue_policies.methods.flow.config import FlowConfig, NetworkConfig
from segue_policies.methods.flow.path import VelocityFn, guide
from segue_policies.methods.flow.samplings.guided import guided
from segue_policies.methods.flow.scene import Scene
from segue_policies.methods.flow.schedules import prefix_schedules
from segue_policies.methods.flow.variant import Variant


class TrainingTimeRtc(Variant):
    """A hard prefix; d = 0, which is drawn as often as any other, is plain flow matching."""

    name = "training_time_rtc"

    def check(self, network: NetworkConfig, state_dim: int, action_dim: int) -> None:
        """The condition row carries the time of each token."""
        if not network.condition_row:
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE,
                "network.condition_row of training_time_rtc",
                got=False,
                expected="true: the row carries the time of each token",
            )

    def trained_lengths(self, config: FlowConfig) -> tuple[int, int]:
        """A prefix without a ramp."""
        return config.max_delay, 0

    def schedules(self, count: int, config: FlowConfig, generator: torch.Generator) -> Tensor:
        """Ones over the prefix: omega `(B, H)`."""
        return prefix_schedules(count, config.horizon, config.max_delay, generator)

    def weight(self, omega: Tensor, t: Tensor, num_steps: int, max_weight: float) -> Tensor:
        """Zero on the prefix, `(B, H, 1)`; on average over all rows as large as the plain one."""
        postfix = (omega < 1).to(omega).unsqueeze(-1)
        return super().weight(omega, t, num_steps, max_weight) * postfix / postfix.mean()


def answer(scene: Scene, request: PredictRequest) -> NDArray[np.float32]:
    """A chunk (H, D) that keeps the rows where omega is 1; a soft omega counts as free."""
    return guided(scene, request, sample_prefix)


def sample_prefix(
    velocity_fn: VelocityFn, noise: Tensor, omega: Tensor, reference: Tensor, num_steps: int
) -> Tensor:
    """Training-time RTC (arXiv 2512.05964): rows of the prefix are clean, hence set back around every step.

    Arguments and answer `(..., H, D)` as for `sample`; `omega` is 1 on the prefix and 0 behind, where rows take plain
    Euler steps.
    """
    state = guide(noise, omega, reference)
    for k in range(num_steps):
        time = torch.tensor(k / num_steps, dtype=noise.dtype, device=noise.device)
        state = guide(state + velocity_fn(state, time, omega) / num_steps, omega, reference)
    return state
