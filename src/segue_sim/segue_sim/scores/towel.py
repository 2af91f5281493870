"""Folding a towel: Legato, Table A.1.

first fold complete                          +5
second fold complete                         +5

A fold is judged by its shape alone: corners lie on corners and the towel covers less of the table; in which
directions it was folded does not matter.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from segue_core.arrays import Floats
from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Positive
from segue_core.task_state import TaskState
from segue_sim.parts.towel import Towel
from segue_sim.scores.base import Grasps, Penalties, goal_of
from segue_sim.world import World

_HALF, _QUARTER = 0.68, 0.42  # largest part of the flat towel's area that is covered after each fold
_LOW_M = 0.07  # a folded towel lies on the table


class TowelGoal(StrictModel):
    """How neatly."""

    corners_m: Positive = Field(default=0.055, description="largest distance between corners folded together")


def folds(points: Floats, area: float, yaw: float, corners_m: float) -> int:
    """How often a towel is folded: 0, 1 or 2.

    Args:
        points: its knots (nx, ny, 3) [m].
        area: of the flat towel [m^2].
        yaw: of the towel on the table; its cover is measured along its own sides.
        corners_m: largest distance between corners that count as folded together.
    """
    if points[..., 2].max() > _LOW_M:
        return 0
    c, s = np.cos(yaw), np.sin(yaw)
    level = points[..., :2] @ np.array([[c, -s], [s, c]])
    cover = float(np.prod(np.ptp(level.reshape(-1, 2), axis=0))) / area
    corner = {(i, j): level[i, j] for i in (0, -1) for j in (0, -1)}

    def together(*pairs: tuple[tuple[int, int], tuple[int, int]]) -> bool:
        return all(float(np.linalg.norm(corner[a] - corner[b])) < corners_m for a, b in pairs)

    lengthwise = together(((0, 0), (-1, 0)), ((0, -1), (-1, -1)))
    crosswise = together(((0, 0), (0, -1)), ((-1, 0), (-1, -1)))
    if not (lengthwise or crosswise) or cover > _HALF:
        return 0
    return 2 if cover < _QUARTER else 1


class FoldedTowel:
    """Success: folded twice and let go. A fold that was done keeps its points."""

    def __init__(self, world: World) -> None:
        self._world, self._goal = world, goal_of(TowelGoal, world.task)
        self._towel = world.part("towel", Towel)
        self._grasps = Grasps(world, Penalties())  # the table has no penalties for this task
        self._now, self._best = 0, 0

    def update(self) -> None:
        """One tick: hands off, and the shape."""
        self._grasps.update()
        free = all(held is None for held in self._grasps.held.values())
        area, yaw = float(np.prod(self._towel.options.size)), self._world.layout.fixtures["towel"].yaw
        points = self._towel.points(self._world.data)
        self._now = folds(points, area, yaw, self._goal.corners_m) if free else 0
        self._best = max(self._best, self._now)

    def state(self) -> TaskState:
        """How many folds are done."""
        return TaskState(self._now == 2, 5.0 * self._best, self._best, 2, f"{self._best} of 2 folds done")


def create(world: World) -> FoldedTowel:
    """The judge of a task with a towel called `towel`."""
    return FoldedTowel(world)
