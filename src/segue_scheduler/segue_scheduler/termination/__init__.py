"""When the task is over: one module per rule, found by its file name; the first that fires ends the task."""

from segue_core.action_space import ActionSpace
from segue_core.scheduler_config import SchedulerConfig
from segue_scheduler import registry
from segue_scheduler.termination.base import Evidence, RuleContext, TerminationRule
from segue_scheduler.tick import Outcome

GROUP = "segue.termination"
ALWAYS = "operator"  # a stop request is obeyed whatever the configuration says


def available() -> tuple[str, ...]:
    """Names of all rules."""
    return registry.available(__name__, GROUP)


def create(config: SchedulerConfig, space: ActionSpace) -> "Termination":
    """Build the configured rules; raises ConfigError on an unknown rule or option, active or not."""
    names = dict.fromkeys((ALWAYS, *config.termination, *config.rule_options))
    built = {name: _create_rule(name, RuleContext(name, config, space)) for name in names}
    active = {name: rule for name, rule in built.items() if name in (ALWAYS, *config.termination)}
    for name in [beside for rule in active.values() for beside in getattr(rule, "beside", ())]:
        active.setdefault(name, built.get(name) or _create_rule(name, RuleContext(name, config, space)))
    return Termination(tuple(active.values()))


def _create_rule(name: str, context: RuleContext) -> TerminationRule:
    rule: TerminationRule = registry.find(__name__, GROUP, "termination rule", name)(context)
    return rule


class Termination:
    """Rules in order; the operator comes first."""

    def __init__(self, rules: tuple[TerminationRule, ...]) -> None:
        self.rules = rules

    def by_hand(self) -> "Termination":
        """Those of the rules that hold while a person has the robot, too."""
        return Termination(tuple(rule for rule in self.rules if getattr(rule, "by_hand", False)))

    def reset(self) -> None:
        """Forget the run before."""
        for rule in self.rules:
            rule.reset()

    def check(self, evidence: Evidence) -> Outcome | None:
        """Show every rule the evidence; the first outcome wins."""
        outcomes = [rule.check(evidence) for rule in self.rules]
        return next((outcome for outcome in outcomes if outcome), None)
