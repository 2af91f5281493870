"""Pouring blocks from bowl to bowl: Legato, Table A.1.

one pouring operation: over and back       +10/3 with the paper's three; all operations make ten
bowl tipping or falling                      -1, at most -3
empty grasp                                  -1, at most -3
blocks spilled outside the bowls             -1, at most -3
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from segue_core.arrays import Floats
from segue_core.contracts.base import StrictModel
from segue_core.task_state import TaskState
from segue_sim.bowl import HEIGHT, RIM_RADIUS
from segue_sim.parts.blocks import Blocks
from segue_sim.scores.base import Grasps, Penalties, Tipping, goal_of, summary
from segue_sim.world import World

_SPILLED_M = 0.025  # blocks lower than this and in no bowl lie on the table
_LYING_TICKS = 5


class PourGoal(StrictModel):
    """How often."""

    operations: int = Field(default=1, ge=1, le=1000, description="over and back is one operation")


def in_bowl(points: Floats, foot: Floats) -> NDArray[np.bool_]:
    """Which points (n, 3) [m] lie in an upright bowl whose foot stands at `foot` (3,)."""
    offset = points - foot
    level = np.hypot(offset[:, 0], offset[:, 1]) < RIM_RADIUS
    return np.asarray(level & (offset[:, 2] > 0) & (offset[:, 2] < HEIGHT + 0.01))


class Pour:
    """Success: all blocks went over and came back as often as the goal says, and the bowls stand."""

    def __init__(self, world: World) -> None:
        self._world, self._goal = world, goal_of(PourGoal, world.task)
        self._blocks = world.part("blocks", Blocks)
        source = self._blocks.options.inside
        (other,) = (name for name in world.task.objects if name != source)
        self._way = (other, source)  # where the blocks go, turn by turn
        self._penalties = Penalties()
        self._grasps = Grasps(world, self._penalties)
        self._tipping = Tipping(world, world.task.objects, self._penalties)
        self._pours = 0
        self._lying_ticks = np.zeros(self._blocks.options.count, dtype=np.intp)
        self._spilled = np.zeros(self._blocks.options.count, dtype=np.bool_)

    @property
    def target(self) -> str:
        """The bowl that the blocks go into next."""
        return self._way[self._pours % 2]

    def update(self) -> None:
        """One tick: what is held, what fell, and where the blocks are."""
        self._grasps.update()
        held = set(self._grasps.held.values())
        self._tipping.update(held)
        points = self._blocks.positions(self._world.data)
        self._count_spilled(points)
        arrived = self._lying_in(self.target, points)
        if self._pours < 2 * self._goal.operations and arrived.all() and not held & set(self._way):
            self._pours += 1

    def _lying_in(self, bowl: str, points: Floats) -> NDArray[np.bool_]:
        upright = self._world.object_up(bowl) > 0.95
        return in_bowl(points, self._world.object_position(bowl)) & upright

    def _count_spilled(self, points: Floats) -> None:
        bowls = [in_bowl(points, self._world.object_position(bowl)) for bowl in self._way]
        lying = (points[:, 2] < _SPILLED_M) & ~bowls[0] & ~bowls[1]
        self._lying_ticks = np.where(lying, self._lying_ticks + 1, 0)
        spilled = self._spilled | (self._lying_ticks >= _LYING_TICKS)
        for _ in range(int((spilled & ~self._spilled).sum())):
            self._penalties.add("block spilled")
        self._spilled = spilled

    def state(self) -> TaskState:
        """How many pours are done; two make an operation."""
        total = 2 * self._goal.operations
        text = summary(f"{self._pours} of {total} pours done", self._penalties)
        score = 10.0 / self._goal.operations * (self._pours // 2) - self._penalties.lost
        return TaskState(self._pours == total, score, self._pours, total, text)


def create(world: World) -> Pour:
    """The judge of a task with two bowls and blocks called `blocks`."""
    return Pour(world)
