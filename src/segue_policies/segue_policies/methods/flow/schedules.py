"""Randomised guidance schedules of the training (paper Sec. III-D, Table A.3)."""

from __future__ import annotations

import torch
from torch import Tensor


def linear_schedule(delay: Tensor, ramp: Tensor, horizon: int) -> Tensor:
    """Guidance weights `(B, H)` for delays and ramps `(B,)`, in ticks.

        index   0 ... d-1   d        d+1    ...  d+r-1    d+r ... H-1
        omega   1 ... 1     r/(r+1) (r-1)/(r+1)  1/(r+1)  0   ... 0

    The batched form of `segue_core.schedule.guidance_schedule`; a schedule longer than H is cut at H.
    """
    rows = torch.arange(horizon)
    past_delay = rows[None, :] - delay[:, None] + 1  # 1 on row d
    return (1 - past_delay / (ramp[:, None] + 1)).clamp(0.0, 1.0)


def random_schedules(
    count: int, horizon: int, max_delay: int, max_ramp: int, free_share: float, generator: torch.Generator
) -> Tensor:
    """Schedules `(count, H)` with `d ~ U{0..max_delay}`, `r ~ U{0..max_ramp}`.

    A share `free_share` of them is all zero: the first chunk of a task has no reference, and `d = 0` would give
    that case once in `(max_delay + 1)(max_ramp + 1)` samples only.
    """
    delay = torch.randint(max_delay + 1, (count,), generator=generator)
    ramp = torch.randint(max_ramp + 1, (count,), generator=generator)
    free = torch.rand(count, generator=generator) < free_share
    return linear_schedule(delay, ramp, horizon) * (~free)[:, None]


def prefix_schedules(count: int, horizon: int, max_delay: int, generator: torch.Generator) -> Tensor:
    """Hard prefixes `(count, H)`: ones over the first `d ~ U{0..max_delay}` rows, zeros behind.

    At least one row is left to predict.
    """
    delay = torch.randint(min(max_delay, horizon - 1) + 1, (count,), generator=generator)
    return (torch.arange(horizon)[None, :] < delay[:, None]).float()
