"""Stacks bowls: the one nearest to the middle stays, the others follow, outermost first.

A bowl is taken by the arm on whose side of the pile it stands; near the pile's line the seed decides, so the
demonstrations are multimodal. A grasp that failed is tried again.
"""

from __future__ import annotations

import numpy as np

from segue_core.arrays import Floats
from segue_sim.bowl import PITCH
from segue_sim.episode import Episode
from segue_sim.experts.base import Hand, ScriptedExpert, Steps, up
from segue_sim.rim import best_angle, rim_grasp
from segue_sim.scores.bowls import pile_of

TAKES_OVER = True  # it is shown what was done, see `ScriptedExpert.watch`
_MIDDLE = (0.46, 0.0)
_ABOVE_M = 0.07  # tool height over a grasp before the descent
_CARRY_M = 0.09  # height of a carried bowl's foot
_DROP_M = 0.014  # a bowl is let go this high over its place: the outer finger stays above the rim below
_LOOSE_M = 0.08  # a bowl that stands crooked on the pile, up to this high, is taken again
_OPEN = 0.6  # wide enough for a wall


class BowlsExpert(ScriptedExpert):
    """See the module."""

    def __init__(self, world: Episode, seed: int) -> None:
        names = world.task.objects
        at = {name: world.object_position(name) for name in names}
        self._base = min(names, key=lambda name: float(np.linalg.norm(at[name][:2] - _MIDDLE)))
        rng = np.random.default_rng([seed, 13])
        self._coin = {name: int(rng.integers(2)) for name in names}
        super().__init__(world, seed)

    def script(self) -> Steps:
        """Bowl after bowl until all are in one pile."""
        while left := self._left():
            name = self._outermost(left)
            hand = self._hand_for(name)
            yield from self._stack(hand, name)
            left = self._left()
            if not left or self._hand_for(self._outermost(left)) is not hand:
                yield from self.go_home(hand)

    def _outermost(self, names: list[str]) -> str:
        return max(names, key=lambda n: abs(self._at(n)[1] - self._at(self._base)[1]))

    def _at(self, name: str) -> Floats:
        return self.world.object_position(name)

    def _pile(self) -> tuple[str, ...]:
        names = self.world.task.objects
        pile = pile_of({n: self._at(n) for n in names}, {n: self.world.object_up(n) > 0.95 for n in names})
        return pile or (self._base,)

    def _left(self) -> list[str]:
        pile = self._pile()
        return [n for n in self.world.task.objects if n not in pile and self._standing(n)]

    def _standing(self, name: str) -> bool:
        return bool(self.world.object_up(name) > 0.85 and -0.01 < self._at(name)[2] < _LOOSE_M)

    def _hand_for(self, name: str) -> Hand:
        offset = self._at(name)[1] - self._at(self._base)[1]
        if abs(offset) < self.world.task.shared_half_width:
            return self.hands[self._coin[name]]
        return self.hands[0 if offset > 0 else 1]

    def _stack(self, hand: Hand, name: str) -> Steps:
        others = [self._at(other) for other in self.world.task.objects if other != name]
        angle = best_angle(self._at(name), self.world.object_yaw(name), hand.side * np.pi / 2, others)
        grasp = rim_grasp(angle, hand.side)
        hand.opening = _OPEN
        spot = self._at(name) + grasp.offset
        yield from self.move(hand, spot + up(_ABOVE_M), grasp.turn, within=0.02)
        spot = self._at(name) + grasp.offset
        yield from self.move(hand, spot, grasp.turn, slow=0.6, within=0.004, precise=True)
        yield from self.grip(hand, 0.0)
        if not self.holds(hand, name):
            hand.opening = _OPEN
            yield from self.move(hand, spot + up(_ABOVE_M), grasp.turn)
            return
        yield from self._carry(hand, name)

    def _carry(self, hand: Hand, name: str) -> Steps:
        turn = hand.setpoint.quaternion
        offset = hand.setpoint.position - self._at(name)
        lifted = hand.setpoint.position + up(_CARRY_M)
        yield from self.move(hand, lifted, turn, slow=0.8, within=0.02)
        pile = self._pile()
        nest = self._at(pile[-1]) + up(PITCH)
        over = nest + offset + up(0.05)
        yield from self.move(hand, np.maximum(over, [*over[:2], lifted[2]]), turn, within=0.015)
        if not self.holds(hand, name):
            return
        offset = self.world.tool_position(hand.name) - self._at(name)  # it may have turned in the hand
        down = nest + offset + up(_DROP_M)
        yield from self.move(hand, down, turn, slow=0.5, within=0.004, precise=True)
        yield from self.grip(hand, _OPEN, ticks=6)
        yield from self.move(hand, down + up(0.08), turn, slow=0.8, within=0.03)


def create(world: Episode, seed: int) -> BowlsExpert:
    """An expert for a task whose objects are bowls."""
    return BowlsExpert(world, seed)
