"""A score that the task's YAML declares: sub-steps in order, and what success is.

every sub-step that was reached           10 / (number of sub-steps + 1)
success                                   the rest, to 10
"""

from __future__ import annotations

from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.contracts.condition import Condition
from segue_core.task_state import TaskState
from segue_sim.conditions import holds
from segue_sim.scores.base import goal_of
from segue_sim.world import World

_FULL = 10.0


class SubStep(StrictModel):
    """Something on the way; it counts from the tick at which it holds first, after those before it."""

    name: str
    when: Condition


class ConditionsGoal(StrictModel):
    """What has to be reached."""

    steps: tuple[SubStep, ...] = ()
    success: Condition
    hold_ticks: int = Field(
        default=1, ge=1, le=300, description="ticks in a row that make a sub-step or success"
    )
    ever: bool = Field(default=False, description="success stays once it was reached, as a pressed button's")


class Conditions:
    """Success: its condition holds now, and has for `hold_ticks`; or has once, if the goal says `ever`."""

    def __init__(self, world: World) -> None:
        self._world, self._goal = world, goal_of(ConditionsGoal, world.task)
        self._reached, self._held, self._succeeding, self._succeeded = 0, 0, 0, False
        for step in self._goal.steps:
            holds(world, step.when)  # a name that is not there is refused at the start, not when it matters
        holds(world, self._goal.success)

    def update(self) -> None:
        """One tick: the next sub-step, and success."""
        self._succeeding = self._succeeding + 1 if holds(self._world, self._goal.success) else 0
        now = self._succeeding >= self._goal.hold_ticks
        self._succeeded = now or (self._goal.ever and self._succeeded)
        if self._reached == len(self._goal.steps):
            return
        now = holds(self._world, self._goal.steps[self._reached].when)
        self._held = self._held + 1 if now else 0
        if self._held >= self._goal.hold_ticks:
            self._reached, self._held = self._reached + 1, 0

    def state(self) -> TaskState:
        """Which sub-steps were reached; success counts for those that were not seen on the way."""
        total, done = len(self._goal.steps) + 1, self._succeeded
        placed = total if done else self._reached
        names = [step.name for step in self._goal.steps[: self._reached]] + ["done"] * done
        text = f"{placed} of {total}" + (f": {', '.join(names)}" if names else "")
        return TaskState(done, _FULL * placed / total, placed, total, text)


def create(world: World) -> Conditions:
    """The judge of a task whose `goal` has `success` and `steps`."""
    return Conditions(world)
