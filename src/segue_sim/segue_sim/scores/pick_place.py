"""The score of the pick-and-place task: Legato, Table A.1.

all objects in the box                     +10
object dropped                              -1, at most -3
empty grasp                                 -1, at most -3
object let go outside the container         -1, at most -3
"""

from __future__ import annotations

from dataclasses import dataclass, field

from segue_core.contracts.base import StrictModel
from segue_core.task_state import TaskState
from segue_sim.objects import thing
from segue_sim.parts.box import Box
from segue_sim.scores.base import goal_of
from segue_sim.world import World

_CLOSED = 0.55  # a gripper commanded below this opening is closing
_EMPTY = 0.06  # fingers that meet below this opening hold nothing
_LIFTED_M = 0.03
_LANDING_TICKS = 15
_CAP = 3


@dataclass
class Grip:
    """What one gripper is doing: `held` names the object that it lifted."""

    closing: bool = False
    settled_ticks: int = 0
    empty_counted: bool = False
    held: str | None = None
    let_go: str | None = None
    falling_ticks: int = 0


@dataclass
class ScoreKeeper:
    """Counts the events of Table A.1; call `update` once per tick."""

    grips: dict[str, Grip]
    dropped: int = 0
    empty_grasps: int = 0
    missed_container: int = 0
    log: list[str] = field(default_factory=list)

    def update(
        self,
        commanded: dict[str, float],
        measured: dict[str, float],
        heights: dict[str, float],
        touching: dict[str, str | None],
        inside: dict[str, bool],
    ) -> None:
        """Openings per gripper, height above rest per object [m], the object between each gripper's fingers."""
        for name, grip in self.grips.items():
            was_closing, grip.closing = grip.closing, commanded[name] < _CLOSED
            grip.settled_ticks = grip.settled_ticks + 1 if grip.closing else 0
            self._empty(grip, measured[name], touching[name])
            self._land(grip, inside)
            self._hold(grip, touching[name], heights, inside, released=was_closing and not grip.closing)

    def _empty(self, grip: Grip, opening: float, touched: str | None) -> None:
        if not grip.closing:
            grip.empty_counted = False
        elif not grip.empty_counted and grip.settled_ticks > 8 and opening < _EMPTY and touched is None:
            grip.empty_counted = True
            if grip.held is None:
                self.empty_grasps += 1
                self.log.append("empty grasp")

    def _hold(
        self,
        grip: Grip,
        touched: str | None,
        heights: dict[str, float],
        inside: dict[str, bool],
        released: bool,
    ) -> None:
        if grip.held is None:
            if grip.closing and touched is not None and heights[touched] > _LIFTED_M:
                grip.held = touched
            return
        if released:
            grip.let_go, grip.falling_ticks, grip.held = grip.held, 0, None
        elif touched != grip.held and heights[grip.held] < _LIFTED_M and not inside[grip.held]:
            self.dropped += 1
            self.log.append(f"{grip.held} dropped")
            grip.held = None

    def _land(self, grip: Grip, inside: dict[str, bool]) -> None:
        """Judges an object that was let go once it had the time to fall and come to rest."""
        if grip.let_go is None:
            return
        grip.falling_ticks += 1
        if inside[grip.let_go]:
            grip.let_go = None
        elif grip.falling_ticks >= _LANDING_TICKS:
            self.missed_container += 1
            self.log.append(f"{grip.let_go} let go outside the container")
            grip.let_go = None

    def score(self, all_placed: bool) -> float:
        """Points of the episode so far."""
        lost = min(self.dropped, _CAP) + min(self.empty_grasps, _CAP) + min(self.missed_container, _CAP)
        return (10.0 if all_placed else 0.0) - lost


class PickPlace:
    """Success: every object lies in the box and no gripper holds it."""

    def __init__(self, world: World) -> None:
        goal_of(StrictModel, world.task)
        self._world, self._box = world, world.part("container", Box)
        self._names = world.task.objects
        self._keeper = ScoreKeeper({name: Grip() for name in world.robot.gripper_names})

    def _inside(self, name: str) -> bool:
        return self._box.holds(self._world.object_position(name), self._world.layout)

    def update(self) -> None:
        """One tick of the score keeper."""
        world = self._world
        measured = dict(zip(world.robot.gripper_names, world.gripper_positions(), strict=True))
        heights = {n: float(world.object_position(n)[2]) - thing(n).rest_height for n in self._names}
        inside = {name: self._inside(name) for name in self._names}
        self._keeper.update(world.commanded_openings(), measured, heights, world.touched(), inside)

    def state(self) -> TaskState:
        """How many objects are in the box."""
        held = {grip.held for grip in self._keeper.grips.values()}
        placed = [name for name in self._names if self._inside(name) and name not in held]
        done = len(placed) == len(self._names)
        text = f"{len(placed)} of {len(self._names)} objects in the box"
        if self._keeper.log:
            text += f"; {', '.join(self._keeper.log)}"
        return TaskState(done, self._keeper.score(done), len(placed), len(self._names), text)


def create(world: World) -> PickPlace:
    """The judge of a task with objects and a box called `container`."""
    return PickPlace(world)
