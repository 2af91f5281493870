"""Where a named thing is: an object, a body of a fixture, a named place, or the table."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from segue_control.robot import rotation_wxyz
from segue_control.robot.rotation_wxyz import Wxyz
from segue_core.arrays import Floats
from segue_core.errors import ConfigError, unknown_name

TABLE = "table"


@dataclass(frozen=True, eq=False)
class Frame:
    """Position (3,) [m] and axes (3, 3) in the base frame; columns of `axes` are the frame's x, y and z."""

    position: Floats
    axes: Floats

    @property
    def yaw(self) -> float:
        """Turn of its x axis about the vertical [rad]."""
        return float(np.arctan2(self.axes[1, 0], self.axes[0, 0]))

    @property
    def quaternion(self) -> Wxyz:
        """Its orientation (w, x, y, z)."""
        quaternion = np.zeros(4)
        mujoco.mju_mat2Quat(quaternion, self.axes.ravel())
        w, x, y, z = quaternion.tolist()
        return w, x, y, z

    def point(self, offset: Floats) -> Floats:
        """A point given in the frame's axes, in the base frame (3,) [m]."""
        return np.asarray(self.position + self.axes @ offset)

    def seen(self, point: Floats) -> Floats:
        """A point of the base frame in the frame's axes (3,) [m]."""
        return np.asarray(self.axes.T @ (point - self.position))


def level(frame: Frame) -> Frame:
    """The same place with z upwards, turned by the frame's yaw only."""
    turn = np.zeros(9)
    mujoco.mju_quat2Mat(turn, np.array(rotation_wxyz.from_rotation_vector((0.0, 0.0, frame.yaw))))
    return Frame(frame.position, turn.reshape(3, 3))


def frame_of(model: mujoco.MjModel, data: mujoco.MjData, name: str) -> Frame:
    """The frame called `name`: a site before a body before a geom.

    Raises:
        ConfigError: nothing of that name; the valid ones are listed.
    """
    if name == TABLE:
        return Frame(np.zeros(3), np.eye(3))
    for kind, positions, axes in (
        (mujoco.mjtObj.mjOBJ_SITE, data.site_xpos, data.site_xmat),
        (mujoco.mjtObj.mjOBJ_BODY, data.xpos, data.xmat),
        (mujoco.mjtObj.mjOBJ_GEOM, data.geom_xpos, data.geom_xmat),
    ):
        index = mujoco.mj_name2id(model, kind, name)
        if index >= 0:
            return Frame(positions[index].copy(), axes[index].reshape(3, 3).copy())
    raise _unknown(model, name)


def _unknown(model: mujoco.MjModel, name: str) -> ConfigError:
    bodies = [model.body(i).name for i in range(1, model.nbody)]
    sites = [model.site(i).name for i in range(model.nsite)]
    return unknown_name("frame", name, [TABLE, *bodies, *sites])
