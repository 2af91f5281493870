"""Stacking bowls: Legato, Table A.1.

one bowl stacked                             +2
bowl tipping or falling                      -1, at most -3
empty grasp                                  -1, at most -3
grasping a bowl that was already stacked     -1, at most -3

Every bowl of the pile counts, the lowest too once another stands in it: only so do the paper's 3 to 7 bowls make
ten points on average, and the 9.08 that it reports possible.
"""

from __future__ import annotations

import numpy as np

from segue_core.contracts.base import StrictModel
from segue_core.task_state import TaskState
from segue_sim.bowl import HEIGHT, PITCH
from segue_sim.scores.base import Grasps, Penalties, Tipping, goal_of, summary
from segue_sim.world import World

_CENTRED_M = 0.012
_UPRIGHT = 0.95  # cosine of the largest tilt of a nested bowl


def pile_of(positions: dict[str, np.ndarray], upright: dict[str, bool]) -> tuple[str, ...]:
    """The highest pile of nested bowls, lowest first; empty when no bowl stands in another.

    Args:
        positions: feet of the bowls (3,) [m].
        upright: whether each stands upright.
    """
    piles = [_pile_on(base, positions, upright) for base in positions]
    best = max(piles, key=len, default=())
    return best if len(best) > 1 else ()


def _pile_on(base: str, positions: dict[str, np.ndarray], upright: dict[str, bool]) -> tuple[str, ...]:
    pile = [base]
    while upright[pile[-1]]:
        low = positions[pile[-1]]
        above = [name for name, p in positions.items() if name not in pile and _nested(p - low)]
        fitting = [name for name in above if upright[name]]
        if not fitting:
            break
        pile.append(min(fitting, key=lambda name: float(positions[name][2])))
    return tuple(pile)


def _nested(offset: np.ndarray) -> bool:
    return bool(np.hypot(offset[0], offset[1]) < _CENTRED_M and 0.6 * PITCH < offset[2] < 0.6 * HEIGHT)


class Bowls:
    """Success: all bowls in one pile, on the table, in nobody's hand."""

    def __init__(self, world: World) -> None:
        goal_of(StrictModel, world.task)
        self._world, self._names = world, world.task.objects
        self._penalties = Penalties()
        self._grasps = Grasps(world, self._penalties)
        self._tipping = Tipping(world, self._names, self._penalties)
        self._pile: tuple[str, ...] = ()

    def update(self) -> None:
        """One tick: who took what, what fell, and what is piled up."""
        world = self._world
        stacked = self._pile
        self._grasps.update()
        for name in self._grasps.new.values():
            if name in stacked:
                self._penalties.add("stacked bowl grasped")
        held = set(self._grasps.held.values())
        self._tipping.update(held)
        positions = {name: world.object_position(name) for name in self._names if name not in held}
        self._pile = pile_of(positions, {name: world.object_up(name) > _UPRIGHT for name in positions})

    def state(self) -> TaskState:
        """How many bowls are in the pile."""
        count, total = len(self._pile), len(self._names)
        text = summary(f"{count} of {total} bowls in the pile", self._penalties)
        return TaskState(count == total, 2.0 * count - self._penalties.lost, count, total, text)


def create(world: World) -> Bowls:
    """The judge of a task whose objects are bowls."""
    return Bowls(world)
