"""Keeps parts of the robot apart: asked of MuJoCo for the pose where the joints would rest if they were stopped now."""

import numpy as np

from segue_control.planning.collision import CollisionModel, Touch
from segue_control.planning.scene import Scene
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig

_FURTHER_M = 1e-5  # what leads out of a pose that is too near must gain so much
_STILL_RAD = 1e-4  # joints that would rest this near to where they are do not move


class SelfDistanceCheck:
    """Parts of a robot that are nearer than the contract allows; parts that are near in the home pose do not count.

    A stop is always known (see joint_limiter.py); what this asks is whether it ends in a free pose. When it does not,
    the robot brakes, one update late: no further beyond the bound than what it moves in one period. From a pose that
    is too near it may go anywhere further apart.
    """

    def __init__(self, robot: RobotConfig, distance_m: float) -> None:
        self._model = CollisionModel(robot, Scene(), distance_m)

    def __deepcopy__(self, memo: object) -> "SelfDistanceCheck":
        """Itself: what it owns is scratch, written anew by every call."""
        return self

    def worse(self, now: Floats, at_rest: Floats, desired: Floats) -> str | None:
        """The pair that comes too near, with the joints (n,) [rad] now, stopped, and as desired; else None."""
        near = self._nearest(at_rest)
        if near is None:
            return None
        moving = np.abs(at_rest - now).max() > _STILL_RAD
        before, after = (self._nearest(now), near) if moving else (near, self._nearest(desired))
        parting = after is None or (before is not None and after.distance_m > before.distance_m + _FURTHER_M)
        return None if parting else f"{near.first}/{near.second}"

    def _nearest(self, q: Floats) -> Touch | None:
        return min(self._model.touches(q), key=lambda touch: touch.distance_m, default=None)


def self_distance_check(robot: RobotConfig) -> SelfDistanceCheck | None:
    """The check that the contract asks for, or None."""
    distance = robot.safety.min_self_distance_m
    return None if distance is None else SelfDistanceCheck(robot, distance)
