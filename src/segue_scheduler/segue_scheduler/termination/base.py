"""What a termination rule sees after every tick, and how it is built."""

from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.contracts.base import StrictModel, parse_model
from segue_core.scheduler_config import SchedulerConfig
from segue_core.task_state import TaskState
from segue_scheduler.tick import Outcome

OptionsT = TypeVar("OptionsT", bound=StrictModel)


@dataclass(frozen=True, eq=False)
class Evidence:
    """One tick, seen by the rules.

    Args:
        elapsed: ticks since the start of the run.
        waiting: no chunk was executed yet.
        measured: measured state (D,).
        task: word of the task detector, if there was one.
        progress: prediction in [0, 1] of a chunk spliced at this tick, or of an estimator; None otherwise.
        policy_stop: a chunk spliced at this tick says that the task is over.
        stop_requested: an operator wants the task to end.
        goal: last row (D,) of the chunk that is being executed; None while nothing is.
    """

    elapsed: int
    waiting: bool
    measured: NDArray[np.float64]
    task: TaskState | None
    progress: float | None
    policy_stop: bool
    stop_requested: bool
    goal: NDArray[np.float64] | None = None


class TerminationRule(Protocol):
    """A small state machine; called once per tick from one thread, `reset` before each run.

    One with `by_hand = True` also judges what a person does with the robot. One that believes what was learned, and so
    may never fire, names in `beside` the rules that are active with it.
    """

    def reset(self) -> None:
        """Forget the run before."""
        ...

    def check(self, evidence: Evidence) -> Outcome | None:
        """The outcome, once the rule says that the task is over."""
        ...


@dataclass(frozen=True)
class RuleContext:
    """What a rule is built from."""

    name: str
    config: SchedulerConfig
    space: ActionSpace

    @property
    def rate_hz(self) -> float:
        """Control rate."""
        return self.space.rate_hz

    def options(self, model: type[OptionsT]) -> OptionsT:
        """The rule's own options; raises ConfigError when they do not fit `model`."""
        return parse_model(
            dict(self.config.rule_options.get(self.name, {})), model, f"rule_options of {self.name}"
        )


class NoOptions(StrictModel):
    """For rules that have none."""


def claimed_success(task: TaskState | None) -> bool:
    """Success when the policy says that it is done: the detector decides; without one it is believed."""
    return task.success if task is not None else True
