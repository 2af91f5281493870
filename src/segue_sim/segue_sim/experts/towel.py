"""Folds a towel twice, both hands at once: an edge onto the opposite one, then the crease onto those two.

A hand takes the towel by the knot at the end of an edge or crease. The seed decides whether the far edge comes near or
the near one goes far, so the demonstrations are multimodal.
"""

from __future__ import annotations

import numpy as np

from segue_control.robot import rotation_wxyz
from segue_core.arrays import Floats
from segue_sim.episode import Episode
from segue_sim.experts.base import Hand, ScriptedExpert, Steps, together
from segue_sim.parts.towel import Towel
from segue_sim.scores.base import goal_of
from segue_sim.scores.towel import TowelGoal, folds

TAKES_OVER = True  # it is shown what was done, see `ScriptedExpert.watch`
_OPEN = 0.5
_ABOVE_M = 0.07
_TOOL_M = 0.013  # height of the tool at a knot on the table
_RISE_M = 0.55  # height of a fold's arc, as a part of its length
_OVER_M = 0.01  # the edge is laid this far beyond the other one: the cloth draws it back
_DOWN_M = 0.022  # height at which it is let go
_TICKS = 60  # of an arc


class TowelExpert(ScriptedExpert):
    """See the module."""

    def __init__(self, world: Episode, seed: int) -> None:
        self._towel, self._goal = world.part("towel", Towel), goal_of(TowelGoal, world.task)
        self._far_comes_near = bool(np.random.default_rng([seed, 13]).integers(2))
        self._yaw = world.layout.fixtures["towel"].yaw
        self._turn = rotation_wxyz.from_rotation_vector((0.0, 0.0, self._yaw))
        super().__init__(world, seed)

    def _folds(self) -> int:
        area = float(np.prod(self._towel.options.size))
        return folds(self._towel.points(self.world.data), area, self._yaw, self._goal.corners_m)

    def script(self) -> Steps:
        """Fold until it is folded twice; what did not succeed is done again."""
        crease, last = self._towel.options.knots[0] // 2, self._towel.options.knots[0] - 1
        edge, onto = (last, 0) if self._far_comes_near else (0, last)
        while (done := self._folds()) < 2:
            yield from self._fold(edge if done == 0 else crease, onto)
        yield from together(*(self.go_home(hand) for hand in self.hands))

    def _fold(self, row: int, onto: int) -> Steps:
        yield from together(*(self._take(hand, row) for hand in self.hands))
        yield from together(*(self._lay(hand, self._end(hand, onto)) for hand in self.hands))

    def _end(self, hand: Hand, row: int) -> Floats:
        """The knot at the hand's end of a row (3,)."""
        return self._towel.at(self.world.data, row, -1 if hand.side > 0 else 0)

    def _take(self, hand: Hand, row: int) -> Steps:
        hand.opening = _OPEN
        above = _level(self._end(hand, row), _ABOVE_M)
        yield from self.move(hand, above, self._turn, slow=0.7, within=0.01)
        at = _level(self._end(hand, row), _TOOL_M)
        yield from self.move(hand, at, self._turn, slow=0.5, within=0.004, precise=True)
        yield from self.grip(hand, 0.0)

    def _lay(self, hand: Hand, target: Floats) -> Steps:
        """Carry in an arc over the fold, lay down a little beyond, let go, rise."""
        start = hand.setpoint.position.copy()
        way = target - start
        way[2] = 0.0
        end = start + way * (1.0 + _OVER_M / max(float(np.linalg.norm(way)), 1e-6))
        length = float(np.linalg.norm(end - start))
        for share in 0.5 * (1.0 - np.cos(np.linspace(0.0, np.pi, _TICKS))):
            height = _TOOL_M + (_DOWN_M - _TOOL_M) * share + _RISE_M * length * np.sin(np.pi * share)
            hand.setpoint.move(_level(start + share * (end - start), float(height)), self._turn)
            yield
        yield from self.move(hand, _level(end, _DOWN_M), self._turn, slow=0.5, within=0.004, precise=True)
        yield from self.grip(hand, _OPEN, ticks=8)
        yield from self.move(hand, _level(end, 0.12), self._turn, slow=0.6, within=0.02)


def _level(point: Floats, height: float) -> Floats:
    return np.array([point[0], point[1], height])


def create(world: Episode, seed: int) -> TowelExpert:
    """An expert for a task with a towel called `towel`."""
    return TowelExpert(world, seed)
