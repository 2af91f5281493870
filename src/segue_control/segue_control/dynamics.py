"""Inertia and velocity-dependent torques of a robot, from the model that the simulator has too."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from segue_control.held import place_held
from segue_control.model import robot_spec
from segue_core.robot_config import RobotConfig

Array = NDArray[np.float64]


class Dynamics:
    """Mass matrix and bias of the arms' joints. Not thread safe: it owns one `mujoco.MjData`.

    With `gravity` the bias holds the arms' weight; without it, somebody else does.
    """

    def __init__(self, robot: RobotConfig, gravity: bool) -> None:
        spec = robot_spec(robot)
        for camera in list(spec.cameras):
            camera.delete()
        self._model: mujoco.MjModel = spec.compile()
        if not gravity:
            self._model.opt.gravity[:] = 0.0
        self._data = mujoco.MjData(self._model)
        place_held(robot, self._model, self._data)
        joints = [self._model.joint(name) for name in robot.joint_names]
        self._qpos = np.array([joint.qposadr[0] for joint in joints])
        self._dofs = np.array([joint.dofadr[0] for joint in joints])
        self._mass = np.zeros((self._model.nv, self._model.nv))
        self._bias = np.zeros(self._model.nv)

    def at(self, q: Array, v: Array) -> tuple[Array, Array]:
        """Mass matrix (n, n) [kg m^2] and torques (n,) [N m] that keep `v` (n,) [rad/s] constant at `q` (n,) [rad]."""
        model, data = self._model, self._data
        data.qpos[self._qpos], data.qvel[self._dofs] = q, v
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_crb(model, data)
        mujoco.mj_fullM(model, self._mass, data.qM)
        mujoco.mj_comVel(model, data)
        mujoco.mj_rne(model, data, 0, self._bias)
        return self._mass[np.ix_(self._dofs, self._dofs)], self._bias[self._dofs]
