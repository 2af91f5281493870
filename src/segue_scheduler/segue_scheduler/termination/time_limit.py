"""The task took too long. Keep it active: other rules miss (18 % of stops in the ProgressVLA paper)."""

from math import ceil

from segue_scheduler.termination.base import Evidence, NoOptions, RuleContext, TerminationRule
from segue_scheduler.tick import Outcome


class TimeLimit:
    """Fires when `limit_s` of control ticks have passed since the start, waiting included."""

    def __init__(self, limit_s: float, rate_hz: float) -> None:
        self._limit_s = limit_s
        self._limit_ticks = ceil(limit_s * rate_hz)

    def reset(self) -> None:
        """Nothing to forget: the evidence carries the elapsed ticks."""

    def check(self, evidence: Evidence) -> Outcome | None:
        """Outcome from the tick of the limit on."""
        if evidence.elapsed < self._limit_ticks:
            return None
        return Outcome(False, "time_limit", f"no success within {self._limit_s:g} s")


def create(context: RuleContext) -> TerminationRule:
    """Registry entry; the limit is `time_limit_s` of the scheduler's configuration."""
    context.options(NoOptions)
    return TimeLimit(context.config.time_limit_s, context.rate_hz)
