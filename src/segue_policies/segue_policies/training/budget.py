"""How far a training is, and the learning rate there.

Linear warm-up from (almost) zero to the peak, then half a cosine down to the final rate.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from segue_core.errors import ErrorCode, PolicyError
from segue_policies.training.config import TrainingConfig


@dataclass
class Budget:
    """Progress by steps or by the clock `now` [s]; `elapsed_s` and `step` are carried over a resume."""

    steps: int | None
    minutes: float | None
    step: int = 0
    elapsed_s: float = 0.0
    now: Callable[[], float] = time.monotonic
    _resumed_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._resumed_at = self.now()

    @classmethod
    def of(cls, config: TrainingConfig, processes: int = 1) -> Budget:
        """Budget of a fresh run.

        Raises:
            PolicyError: neither steps nor minutes are given, or several processes have no steps: their clocks differ.
        """
        if config.steps is None and config.minutes is None:
            raise PolicyError(ErrorCode.TRAINING_FAILED, "no budget", do="give --steps or --minutes")
        if config.steps is None and processes > 1:
            text = f"{processes} processes need a budget in --steps"
            raise PolicyError(ErrorCode.TRAINING_FAILED, text, do="give --steps")
        clock = time.monotonic if config.clock == "wall" else partial(_processor_s, config.threads)
        return cls(config.steps, None if config.steps is not None else config.minutes, now=clock)

    def start(self) -> None:
        """Start the clock (again)."""
        self._resumed_at = self.now() - self.elapsed_s

    def advance(self) -> None:
        """One more step is done."""
        self.step += 1
        self.elapsed_s = self.now() - self._resumed_at

    @property
    def used(self) -> float:
        """Share of the budget that is used, 0 to 1 (by the clock it may pass 1 by one step)."""
        if self.steps is not None:
            return self.step / self.steps
        assert self.minutes is not None  # `of` gives one of the two
        return self.elapsed_s / (60.0 * self.minutes)

    @property
    def done(self) -> bool:
        """The budget is used up."""
        return self.used >= 1.0

    @property
    def remaining_s(self) -> float:
        """Estimated time to the end [s], from the mean speed so far; infinite before the first step."""
        used = self.used
        return self.elapsed_s * (1.0 - used) / used if used > 0 else math.inf


def _processor_s(threads: int) -> float:
    """Processor time of this process [s], as if its threads had shared it evenly."""
    return time.process_time() / threads


def learning_rate(used: float, config: TrainingConfig) -> float:
    """Linear warm-up, then a half cosine to the final rate."""
    if used < config.warmup_share:
        return config.learning_rate * max(used / config.warmup_share, 1e-3)
    along = min(1.0, (used - config.warmup_share) / (1.0 - config.warmup_share))
    share = config.final_rate_share + (1.0 - config.final_rate_share) * 0.5 * (
        1.0 + math.cos(math.pi * along)
    )
    return config.learning_rate * share
