"""The policy itself says that the task is over (`ActionChunk.stop`)."""

from segue_scheduler.termination.base import (
    Evidence,
    NoOptions,
    RuleContext,
    TerminationRule,
    claimed_success,
)
from segue_scheduler.tick import Outcome


class PolicyStop:
    """Fires at the tick at which such a chunk is spliced in."""

    beside = ("time_limit",)

    def reset(self) -> None:
        """Nothing to forget."""

    def check(self, evidence: Evidence) -> Outcome | None:
        """Outcome when the newest chunk carries the stop flag."""
        if not evidence.policy_stop:
            return None
        return Outcome(claimed_success(evidence.task), "policy_stop", "the policy says that the task is over")


def create(context: RuleContext) -> TerminationRule:
    """Registry entry."""
    context.options(NoOptions)
    return PolicyStop()
