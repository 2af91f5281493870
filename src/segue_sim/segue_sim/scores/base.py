"""What a judge is, and the counting of errors that the score schemes share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from typing import Protocol, TypeVar

from segue_core.contracts.base import StrictModel, parse_model
from segue_core.contracts.task import TaskConfig
from segue_core.task_state import TaskState
from segue_sim.world import World

GoalT = TypeVar("GoalT", bound=StrictModel)

_CAP = 3  # "each penalty item is capped at a maximum deduction of 3 points per trial"
_CLOSED = 0.55  # a gripper commanded below this opening is closing
_EMPTY = 0.06  # fingers that meet below this opening hold nothing
_SETTLED_TICKS = 8  # by then the fingers have met
_JUDGED = -1
_TIPPED = 0.6  # cosine of the tilt from which on an object counts as lying
_FALLEN_M = 0.03
_TIPPED_TICKS = 15


class Judge(Protocol):
    """Judges one episode. `update` is called once per tick; it may look at everything in the world."""

    def update(self) -> None:
        """Take in what the world looks like now."""
        ...

    def state(self) -> TaskState:
        """Success now, and the score so far."""
        ...


class Penalties:
    """Counts errors by their name: a point each, at most three of a kind."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, error: str) -> None:
        """One more of this error."""
        self.counts[error] += 1

    @property
    def lost(self) -> float:
        """Points lost so far."""
        return float(sum(min(count, _CAP) for count in self.counts.values()))

    def __str__(self) -> str:
        return ", ".join(f"{error} x{count}" if count > 1 else error for error, count in self.counts.items())


class Grasps:
    """Watches grippers close: on what, or on nothing. `held` is by gripper name."""

    def __init__(self, world: World, penalties: Penalties) -> None:
        self._world, self._penalties = world, penalties
        self._ticks = dict.fromkeys(world.robot.gripper_names, 0)
        self.held: dict[str, str | None] = dict.fromkeys(world.robot.gripper_names)
        self.new: dict[str, str] = {}

    def update(self) -> None:
        """One tick: `held` is what each closing gripper touches with both fingers, `new` what it took just now.

        A gripper takes once per closing. One that closes on nothing is an empty grasp.
        """
        touched, commanded = self._world.touched(), self._world.commanded_openings()
        measured = dict(zip(self._world.robot.gripper_names, self._world.gripper_positions(), strict=True))
        self.new = {}
        for name in self._ticks:
            if commanded[name] >= _CLOSED:
                self._ticks[name], self.held[name] = 0, None
                continue
            self.held[name] = touched[name]
            self._judge(name, touched[name], measured[name])

    def _judge(self, name: str, touched: str | None, opening: float) -> None:
        if self._ticks[name] == _JUDGED:
            return
        self._ticks[name] += 1
        if touched is not None:
            self.new[name], self._ticks[name] = touched, _JUDGED
        elif self._ticks[name] > _SETTLED_TICKS and opening < _EMPTY:
            self._penalties.add("empty grasp")
            self._ticks[name] = _JUDGED


def goal_of(model: type[GoalT], task: TaskConfig) -> GoalT:
    """The task's goal as its score's model; ConfigError names the key and what is allowed."""
    return parse_model(task.goal, model, f"task '{task.name}' goal ({task.score})")


def summary(text: str, penalties: Penalties) -> str:
    """A line for people: what is done, and what went wrong."""
    return f"{text}; {penalties}" if penalties.counts else text


class Tipping:
    """Counts objects that tip over or fall off the table while no gripper holds them."""

    def __init__(self, world: World, names: tuple[str, ...], penalties: Penalties) -> None:
        self._world, self._penalties = world, penalties
        self._ticks = dict.fromkeys(names, 0)

    def update(self, held: Container[str | None]) -> None:
        """One tick; an object counts once, until it stands again or is taken up."""
        for name, ticks in self._ticks.items():
            down = self._world.object_up(name) < _TIPPED or self._world.object_position(name)[2] < -_FALLEN_M
            self._ticks[name] = ticks + 1 if down and name not in held else 0
            if self._ticks[name] == _TIPPED_TICKS:
                self._penalties.add("tipped or fell")
