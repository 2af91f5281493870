"""When predicted progress says that a task is done: smooth, engage, settle.

    progress (EMA)       ___________________
    value    -----------/-------------------x--------   engage when the mean reaches `value`
    value - drop ------/--------------------|--------   disengage when it falls below
                      engage       >= hold_s and >= updates: done

The scheduler's rule and the calibration of its threshold are this one machine.
"""

from math import ceil

from pydantic import Field

from segue_core.contracts.base import StrictModel


class StopOptions(StrictModel):
    """Options of `progress_threshold`."""

    value: float = Field(default=0.9, gt=0, le=1, description="smoothed progress that engages the rule")
    drop: float = Field(default=0.1, ge=0, lt=1, description="fall below the value that disengages it")
    ema: float = Field(
        default=0.5, gt=0, le=1, description="weight of a new prediction in the moving average"
    )
    hold_s: float = Field(default=1.0, ge=0, le=60, description="time that it must stay engaged [s]")
    updates: int = Field(
        default=2, ge=1, le=100, description="predictions needed while engaged, the engaging one included"
    )


STANDING = StopOptions(hold_s=0.0, updates=1)
"""The rule for a task that may stand still at any picture: the hold is over wherever it engages.

A threshold that is calibrated with it counts on nobody's speed.
"""


class LearnedStop:
    """Engages and settles; called once per tick, with a prediction where there is a new one."""

    def __init__(self, options: StopOptions, rate_hz: float) -> None:
        self._options = options
        self._hold_ticks = ceil(options.hold_s * rate_hz)
        self.reset()

    def reset(self) -> None:
        """Forget predictions."""
        self.mean: float | None = None
        self._engaged_at: int | None = None
        self._updates = 0

    def done(self, tick: int, progress: float | None) -> bool:
        """Whether it has stayed engaged for long enough at `tick`; `progress` in [0, 1] is what came since the last."""
        if progress is not None:
            self._update(progress, tick)
        if self._engaged_at is None or self._updates < self._options.updates:
            return False
        return tick - self._engaged_at >= self._hold_ticks

    def _update(self, progress: float, tick: int) -> None:
        weight = self._options.ema if self.mean is not None else 1.0
        self.mean = weight * progress + (1 - weight) * (self.mean or 0.0)
        if self._engaged_at is None and self.mean >= self._options.value:
            self._engaged_at, self._updates = tick, 0
        elif self.mean < self._options.value - self._options.drop:
            self._engaged_at = None
        self._updates += 1
