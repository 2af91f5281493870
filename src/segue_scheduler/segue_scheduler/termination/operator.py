"""An operator stops the task. Always active, whatever the configuration lists."""

from segue_scheduler.termination.base import Evidence, NoOptions, RuleContext, TerminationRule
from segue_scheduler.tick import Outcome


class Operator:
    """Fires on a stop request."""

    by_hand = True

    def reset(self) -> None:
        """Nothing to forget."""

    def check(self, evidence: Evidence) -> Outcome | None:
        """Outcome at the tick of the request."""
        return (
            Outcome(False, "operator", "stop requested by the operator") if evidence.stop_requested else None
        )


def create(context: RuleContext) -> TerminationRule:
    """Registry entry."""
    context.options(NoOptions)
    return Operator()
