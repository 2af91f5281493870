"""The way of a tool that is fixed to a body while the body's joint moves: a line for a slide, an arc for a hinge."""

from __future__ import annotations

from collections.abc import Iterator

import mujoco
import numpy as np

from segue_control.robot import rotation_wxyz
from segue_control.robot.rotation_wxyz import Wxyz
from segue_core.arrays import Floats
from segue_sim.conditions import joint_value
from segue_sim.episode import Episode

_LEAST_TICKS = 6


def rotated(turn: Wxyz, vector: Floats) -> Floats:
    """`vector` (3,) turned."""
    result = np.zeros(3)
    mujoco.mju_rotVecQuat(result, vector, np.array(turn))
    return result


class Arc:
    """From where the tool is now, with the joint at its present value, to where it is with the joint at `to`."""

    def __init__(self, world: Episode, joint: str, to: float, position: Floats, turn: Wxyz) -> None:
        self._change = to - joint_value(world, joint)
        index = world.model.joint(joint).id
        self._axis, self._anchor = world.data.xaxis[index].copy(), world.data.xanchor[index].copy()
        self._hinge = world.model.jnt_type[index] == mujoco.mjtJoint.mjJNT_HINGE
        self._position, self._turn = position.copy(), turn

    @property
    def length(self) -> float:
        """Of the tool's way [m]."""
        if not self._hinge:
            return abs(self._change)
        return abs(self._change) * float(np.linalg.norm(np.cross(self._axis, self._position - self._anchor)))

    def shares(self, speed: float, dt: float) -> Iterator[float]:
        """Parts of the way done, tick by tick: gently off, at most `speed` [m/s], gently to rest."""
        ticks = max(_LEAST_TICKS, int(np.ceil(1.5 * self.length / (speed * dt))))
        for tick in range(1, ticks + 1):
            s = tick / ticks
            yield s * s * (3.0 - 2.0 * s)  # its greatest slope is 1.5

    def at(self, share: float) -> tuple[Floats, Wxyz]:
        """Pose of the tool after a part of the way: position (3,) [m] and turn."""
        if not self._hinge:
            return self._position + share * self._change * self._axis, self._turn
        turn = rotation_wxyz.from_rotation_vector((share * self._change * self._axis).tolist())
        position = self._anchor + rotated(turn, self._position - self._anchor)
        return position, rotation_wxyz.multiply(turn, self._turn)
