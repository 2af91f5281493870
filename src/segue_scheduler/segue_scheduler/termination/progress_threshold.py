"""The policy's predicted progress says that the task is done: smooth, engage, settle.

    progress (EMA)       ___________________
    value    -----------/-------------------x--------   engage when the mean reaches `value`
    value - drop ------/--------------------|--------   disengage when it falls below
                      engage       >= hold_s and >= updates: fire

A bare threshold on the raw number stops on the first lucky sample; a value above 1 would never fire, so it is
refused. Progress tells failure from success badly: where there is a task detector, its word decides success.
"""

from math import ceil

from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_scheduler.termination.base import Evidence, RuleContext, TerminationRule, claimed_success
from segue_scheduler.tick import Outcome


class ProgressOptions(StrictModel):
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


class ProgressThreshold:
    """Fires when smoothed progress has stayed up for long enough. A run without predictions never fires."""

    def __init__(self, options: ProgressOptions, rate_hz: float) -> None:
        self._options = options
        self._hold_ticks = ceil(options.hold_s * rate_hz)
        self.reset()

    def reset(self) -> None:
        """Forget predictions."""
        self._mean: float | None = None
        self._engaged_at: int | None = None
        self._updates = 0

    def check(self, evidence: Evidence) -> Outcome | None:
        """Outcome, once engaged and settled."""
        if evidence.progress is not None:
            self._update(evidence.progress, evidence.elapsed)
        if self._engaged_at is None or self._mean is None or self._updates < self._options.updates:
            return None
        if evidence.elapsed - self._engaged_at < self._hold_ticks:
            return None
        reason = f"predicted progress {self._mean:.2f} held for {self._options.hold_s:g} s"
        return Outcome(claimed_success(evidence.task), "progress_threshold", reason)

    def _update(self, progress: float, tick: int) -> None:
        weight = self._options.ema if self._mean is not None else 1.0
        self._mean = weight * progress + (1 - weight) * (self._mean or 0.0)
        if self._engaged_at is None and self._mean >= self._options.value:
            self._engaged_at, self._updates = tick, 0
        elif self._mean < self._options.value - self._options.drop:
            self._engaged_at = None
        self._updates += 1


def create(context: RuleContext) -> TerminationRule:
    """Registry entry."""
    return ProgressThreshold(context.options(ProgressOptions), context.rate_hz)
