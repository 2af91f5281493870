"""Predicted progress says that the task is done: smooth, engage, settle, as `segue_core.progress.stop` draws it.

A bare threshold on the raw number stops on the first lucky sample; a value above 1 would never fire, so it is
refused. Progress tells failure from success badly: where there is a task detector, its word decides success.
"""

from segue_core.progress.stop import LearnedStop, StopOptions
from segue_scheduler.termination.base import Evidence, RuleContext, TerminationRule, claimed_success
from segue_scheduler.tick import Outcome


class ProgressThreshold:
    """Fires when smoothed progress has stayed up for long enough. A run without predictions never fires."""

    beside = ("time_limit",)

    def __init__(self, options: StopOptions, rate_hz: float) -> None:
        self._options, self._stop = options, LearnedStop(options, rate_hz)

    def reset(self) -> None:
        """Forget predictions."""
        self._stop.reset()

    def check(self, evidence: Evidence) -> Outcome | None:
        """Outcome, once engaged and settled."""
        if not self._stop.done(evidence.elapsed, evidence.progress):
            return None
        reason = f"predicted progress {self._stop.mean:.2f} held for {self._options.hold_s:g} s"
        return Outcome(claimed_success(evidence.task), "progress_threshold", reason)


def create(context: RuleContext) -> TerminationRule:
    """Registry entry."""
    return ProgressThreshold(context.options(StopOptions), context.rate_hz)
