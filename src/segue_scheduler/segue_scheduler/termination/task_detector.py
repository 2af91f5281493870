"""The simulator or perception sees that the task is done, for long enough.

tick      0  1  2  3  4  5  6
success   0  1  1  0  1  1  1        hold 3: fires at tick 6
held      0  1  2  0  1  2  3
"""

from segue_scheduler.termination.base import Evidence, NoOptions, RuleContext, TerminationRule
from segue_scheduler.tick import Outcome


class TaskDetector:
    """Fires after `hold_ticks` ticks with success in a row; a tick without word neither counts nor resets."""

    by_hand = True

    def __init__(self, hold_ticks: int) -> None:
        self._hold_ticks = hold_ticks
        self._held = 0

    def reset(self) -> None:
        """Start counting anew."""
        self._held = 0

    def check(self, evidence: Evidence) -> Outcome | None:
        """Success, once it has held."""
        if evidence.task is not None:
            self._held = self._held + 1 if evidence.task.success else 0
        if evidence.task is None or self._held < self._hold_ticks:
            return None
        return Outcome(True, "task_detector", evidence.task.text or "the task detector reports success")


def create(context: RuleContext) -> TerminationRule:
    """Registry entry; the hold is `task_hold_ticks` of the scheduler's configuration."""
    context.options(NoOptions)
    return TaskDetector(context.config.task_hold_ticks)
