"""Opens a drawer by its handle, with the hand tilted forwards so that it passes below the handle above.

Each arm reaches better where the cabinet turns towards it; when it stands straight the seed decides, so the
demonstrations are multimodal.
"""

from __future__ import annotations

import numpy as np

from segue_control.robot import rotation_wxyz
from segue_control.robot.rotation_wxyz import Wxyz
from segue_core.arrays import Floats
from segue_sim.episode import Episode
from segue_sim.experts.base import Hand, ScriptedExpert, Steps, up
from segue_sim.parts.cabinet import Cabinet
from segue_sim.scores.base import goal_of
from segue_sim.scores.drawer import DrawerGoal

TAKES_OVER = True  # it is shown what was done, see `ScriptedExpert.watch`
_TILT_RAD = 0.87  # forwards from pointing down
_BEFORE_M = 0.08  # tool before the handle, against its own direction
_FURTHER_M = 0.025  # the pull goes this much beyond what counts as open
_OPEN = 0.7
_STRAIGHT_RAD = 0.08


class DrawerExpert(ScriptedExpert):
    """See the module."""

    def __init__(self, world: Episode, seed: int) -> None:
        self._cabinet = world.part("cabinet", Cabinet)
        self._goal = goal_of(DrawerGoal, world.task)
        yaw = world.layout.fixtures["cabinet"].yaw
        coin = int(np.random.default_rng([seed, 13]).integers(2))
        self._arm = coin if abs(yaw) < _STRAIGHT_RAD else int(yaw < 0)
        super().__init__(world, seed)

    def _is_open(self) -> bool:
        return self._cabinet.opening(self.world.data, self._goal.drawer) >= self._goal.open_m

    def script(self) -> Steps:
        """Try until it is open, then go home."""
        hand = self.hands[self._arm]
        while not self._is_open():
            yield from self._try(hand)
        yield from self.go_home(hand)

    def _turn(self) -> Wxyz:
        out = self._cabinet.outward(self.world.data)
        yaw = float(np.arctan2(-out[1], -out[0]))
        tilt = rotation_wxyz.from_rotation_vector((0.0, -_TILT_RAD, 0.0))
        return rotation_wxyz.multiply(rotation_wxyz.from_rotation_vector((0.0, 0.0, yaw)), tilt)

    def _before(self) -> Floats:
        """From the handle back along the tool (3,)."""
        level = self._cabinet.outward(self.world.data)
        return np.asarray(_BEFORE_M * (level * np.sin(_TILT_RAD) + up(float(np.cos(_TILT_RAD)))))

    def _handle(self) -> Floats:
        return self._cabinet.handle(self.world.data, self._goal.drawer)

    def _try(self, hand: Hand) -> Steps:
        turn, hand.opening = self._turn(), _OPEN
        yield from self.move(hand, self._handle() + self._before(), turn, slow=0.4, within=0.01)
        at = self._handle()
        yield from self.move(hand, at, turn, slow=0.2, within=0.004, precise=True)
        yield from self.grip(hand, 0.0)
        if self.holds(hand, self._cabinet.drawer(self._goal.drawer)):
            yield from self._pull(hand, turn)
        yield from self.grip(hand, _OPEN, ticks=8)
        yield from self.move(hand, hand.setpoint.position + self._before(), turn, slow=0.4, within=0.02)

    def _pull(self, hand: Hand, turn: Wxyz) -> Steps:
        out = self._cabinet.outward(self.world.data)
        missing = self._goal.open_m + _FURTHER_M - self._cabinet.opening(self.world.data, self._goal.drawer)
        end = hand.setpoint.position + out * missing
        yield from self.move(hand, end, turn, slow=0.13, within=0.003, precise=True)


def create(world: Episode, seed: int) -> DrawerExpert:
    """An expert for a task with a cabinet called `cabinet`."""
    return DrawerExpert(world, seed)
