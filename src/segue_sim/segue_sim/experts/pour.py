"""Pours blocks from one bowl into the other and back: the left arm pours the left bowl, the right arm the right one.

A bowl is taken by its outer rim and turned inwards about its inner rim, the lip, which stays over the other bowl; the
other arm stands aside meanwhile. Seen by the robot, the left arm at work:

    upright   |____ )          turned   |        the lip points down
        taken at    lip                (
    other         \\__/               \\__/
"""

from __future__ import annotations

import numpy as np

from segue_control.robot import rotation_wxyz
from segue_control.robot.rotation_wxyz import Wxyz
from segue_core.arrays import Floats
from segue_sim.bowl import HEIGHT, RIM_RADIUS
from segue_sim.episode import Episode
from segue_sim.experts.base import Hand, ScriptedExpert, Steps, together, up
from segue_sim.parts.blocks import Blocks
from segue_sim.rim import RimGrasp, best_angle, rim_grasp
from segue_sim.scores.base import goal_of
from segue_sim.scores.pour import PourGoal, in_bowl

TAKES_OVER = True  # it is shown what was done, see `ScriptedExpert.watch`
_OPEN = 0.6
_ASIDE = (0.32, 0.48, 0.42)  # where the left tool stands aside; the right one in its mirror image
_ABOVE_M = 0.07
_LIFT_M = 0.10  # height of a carried bowl's foot
_CLEAR_M = 0.015  # between the low rim of the pouring bowl and the rim of the other
_SHORT_M = 0.012  # blocks leave the rim with some speed: it stays this much before the middle
_ANGLES = 1.6 * 0.5 * (1.0 - np.cos(np.linspace(0.0, np.pi, 45)))  # a pour, tick by tick [rad]
_POUR_TICKS = 12
_ALMOST_M = 0.004  # a bowl is put down from this high


class PourExpert(ScriptedExpert):
    """See the module."""

    def __init__(self, world: Episode, seed: int) -> None:
        self._blocks = world.part("blocks", Blocks)
        self._operations = goal_of(PourGoal, world.task).operations
        super().__init__(world, seed)

    def script(self) -> Steps:
        """Over and back, as often as the goal says."""
        source = self._blocks.options.inside
        (other,) = (name for name in self.world.task.objects if name != source)
        for pour in range(2 * self._operations):
            full, empty = (source, other) if pour % 2 == 0 else (other, source)
            hand, idle = self.hands if self._at(full)[1] > self._at(empty)[1] else self.hands[::-1]
            yield from together(self._stand_aside(idle), self._empty(hand, full, empty))
        yield from together(*(self.go_home(hand) for hand in self.hands))

    def _stand_aside(self, hand: Hand) -> Steps:
        return self.move(hand, np.array(_ASIDE) * [1.0, hand.side, 1.0], within=0.03)

    def _empty(self, hand: Hand, full: str, empty: str) -> Steps:
        while self._blocks_in(full):
            yield from self._pour(hand, full, empty)

    def _at(self, name: str) -> Floats:
        return self.world.object_position(name)

    def _blocks_in(self, bowl: str) -> bool:
        return bool(in_bowl(self._blocks.positions(self.world.data), self._at(bowl)).any())

    def _pour(self, hand: Hand, full: str, empty: str) -> Steps:
        at, yaw = self._at(full), self.world.object_yaw(full)
        grasp = rim_grasp(best_angle(at, yaw, hand.side * np.pi / 2, [self._at(empty)]), hand.side)
        hand.opening = _OPEN
        yield from self.move(hand, at + grasp.offset + up(_ABOVE_M), grasp.turn, within=0.02)
        spot = self._at(full) + grasp.offset
        yield from self.move(hand, spot, grasp.turn, slow=0.5, within=0.004, precise=True)
        yield from self.grip(hand, 0.0)
        if self.holds(hand, full):
            yield from self._over(hand, grasp, full, empty)
            yield from self._put_back(hand, grasp, spot)
        yield from self.grip(hand, _OPEN, ticks=7)
        leave = hand.setpoint.position + up(_ABOVE_M)
        yield from self.move(hand, leave, hand.setpoint.quaternion, slow=0.8, within=0.03)

    def _over(self, hand: Hand, grasp: RimGrasp, full: str, empty: str) -> Steps:
        """Lift, carry to the other bowl, turn about the far rim, wait for the last block, turn back."""
        to_lip = self._at(full) + np.array([0.0, -hand.side * RIM_RADIUS, HEIGHT]) - hand.setpoint.position
        lifted = hand.setpoint.position + up(_LIFT_M)
        yield from self.move(hand, lifted, grasp.turn, slow=0.8, within=0.02)
        over = self._at(empty) + up(HEIGHT) + np.array([0.0, hand.side * _SHORT_M, 0.0])
        ways = [_tilted(hand.side, grasp.turn, to_lip, over, angle) for angle in _ANGLES]
        yield from self.move(hand, *ways[0], slow=0.7, within=0.01)
        yield from self._follow(hand, ways)
        yield from self.wait(hand, _POUR_TICKS)
        yield from self._follow(hand, ways[::-1])

    def _follow(self, hand: Hand, ways: list[tuple[Floats, Wxyz]]) -> Steps:
        """Through poses that lie close together, one per tick."""
        hand.precise = True
        for position, turn in ways:
            hand.setpoint.move(position, turn)
            yield
        yield from self.move(hand, *ways[-1], within=0.01, precise=True)

    def _put_back(self, hand: Hand, grasp: RimGrasp, spot: Floats) -> Steps:
        yield from self.move(hand, spot + up(_LIFT_M), grasp.turn, slow=0.8, within=0.02)
        yield from self.move(hand, spot + up(_ALMOST_M), grasp.turn, slow=0.5, within=0.004, precise=True)


def _tilted(side: float, turn: Wxyz, to_lip: Floats, over: Floats, angle: float) -> tuple[Floats, Wxyz]:
    """Tool pose with the bowl turned by `angle` and its lip at `over`, higher while the bowl is upright."""
    c, s = float(np.cos(angle)), side * float(np.sin(angle))
    lip = np.array([to_lip[0], c * to_lip[1] - s * to_lip[2], s * to_lip[1] + c * to_lip[2]])
    tilt = rotation_wxyz.from_rotation_vector((side * angle, 0.0, 0.0))
    clear = up(_CLEAR_M + (HEIGHT + 0.01) * max(0.0, c))
    return over + clear - lip, rotation_wxyz.multiply(tilt, turn)


def create(world: Episode, seed: int) -> PourExpert:
    """An expert for a task with two bowls and blocks called `blocks`."""
    return PourExpert(world, seed)
