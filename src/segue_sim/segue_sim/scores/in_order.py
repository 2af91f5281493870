"""A score that counts and keeps an order: places that have to be visited one after the other, and what success is.

visits of a wipe    near far near far near far near | off: success      seven places, six strokes
                    near far near ....... near far near far             the eighth is one too many: no success any more

every place of the order, in order        10 / (number of places + 1)
success                                   the rest, to 10
a visit that is not next in the order     -1, at most -3 for each place
"""

from __future__ import annotations

from pydantic import Field, model_validator

from segue_core.contracts.base import StrictModel
from segue_core.contracts.condition import Condition
from segue_core.task_state import TaskState
from segue_sim.conditions import holds
from segue_sim.scores.base import Penalties, goal_of, summary
from segue_sim.world import World

_FULL = 10.0


class InOrderGoal(StrictModel):
    """Places, the order in which they are to be visited, and what ends it well."""

    places: dict[str, Condition] = Field(min_length=2, description="what has to hold for each to be visited")
    order: tuple[str, ...] = Field(min_length=1, description="names of places; none twice in a row")
    success: Condition
    whole: bool = Field(
        default=True,
        description="success needs all of the order; else what was visited only has to agree with it",
    )
    hold_ticks: int = Field(default=1, ge=1, le=300, description="ticks in a row that make success")

    @model_validator(mode="after")
    def _visits(self) -> InOrderGoal:
        for name, after in zip(self.order, (*self.order[1:], ""), strict=True):
            if name not in self.places or name == after:
                expected = f"one of {', '.join(self.places)}, another than the one before"
                raise ValueError(f"order has {name!r}, expected {expected}")
        return self


class InOrder:
    """Success: what was visited is the order, nothing more, and its condition holds and has for `hold_ticks`.

    A place is visited when its condition holds and the place visited before was another one; where the episode begins
    is no visit.
    """

    def __init__(self, world: World) -> None:
        self._world, self._goal = world, goal_of(InOrderGoal, world.task)
        self._last = self._place()
        self._penalties, self._reached, self._held = Penalties(), 0, 0
        holds(world, self._goal.success)  # a name that is not there is refused at the start

    def _place(self) -> str | None:
        there = [name for name, condition in self._goal.places.items() if holds(self._world, condition)]
        return there[0] if there else None

    def update(self) -> None:
        """One tick: where things are, and whether that was next."""
        place = self._place()
        if place is not None and place != self._last:
            self._last = place
            self._visit(place)
        self._held = self._held + 1 if holds(self._world, self._goal.success) else 0

    def _visit(self, place: str) -> None:
        due = self._goal.order[self._reached : self._reached + 1]
        if due == (place,) and not self._penalties.counts:
            self._reached += 1
        else:
            self._penalties.add(f"{place} out of order")

    def state(self) -> TaskState:
        """How far along the order it is."""
        goal, total = self._goal, len(self._goal.order) + 1
        ready = not self._penalties.counts and not (goal.whole and self._reached < len(goal.order))
        done = ready and self._held >= goal.hold_ticks
        placed = total if done else self._reached
        text = summary(f"{self._reached} of {len(goal.order)} in order", self._penalties)
        return TaskState(done, _FULL * placed / total - self._penalties.lost, placed, total, text)


def create(world: World) -> InOrder:
    """The judge of a task whose `goal` has `places`, an `order` and `success`."""
    return InOrder(world)
