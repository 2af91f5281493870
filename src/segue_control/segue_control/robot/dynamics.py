"""Inertia and velocity-dependent torques of a robot, from the model that the simulator has too."""

import mujoco
import numpy as np

from segue_control.robot.held import place_held
from segue_control.robot.model import robot_spec
from segue_control.robot.model_checks import compiled
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig


def _inertial_model(robot: RobotConfig) -> mujoco.MjModel:
    """The robot's model without pictures, and without the shapes of bodies whose inertia is written down."""
    spec = robot_spec(robot)
    shapes = [geom for body in spec.bodies if body.explicitinertial for geom in body.geoms]
    for element in [*spec.cameras, *spec.actuators, *shapes]:
        element.delete()
    used = {geom.meshname for body in spec.bodies for geom in body.geoms}
    for mesh in [mesh for mesh in spec.meshes if mesh.name not in used]:
        mesh.delete()
    return compiled(robot, spec)


class Dynamics:
    """Mass matrix and bias of the arms' joints. Not thread safe: it owns one `mujoco.MjData`.

    With `gravity` the bias holds the arms' weight; without it, somebody else does.
    """

    def __init__(self, robot: RobotConfig, gravity: bool) -> None:
        self._model = _inertial_model(robot)
        if not gravity:
            self._model.opt.gravity[:] = 0.0
        self._data = mujoco.MjData(self._model)
        place_held(robot, self._model, self._data)
        joints = [self._model.joint(name) for name in robot.joint_names]
        self._qpos = np.array([joint.qposadr[0] for joint in joints])
        self._dofs = np.array([joint.dofadr[0] for joint in joints])
        self._mass = np.zeros((self._model.nv, self._model.nv))
        self._bias = np.zeros(self._model.nv)

    def __deepcopy__(self, memo: object) -> "Dynamics":
        """Itself: what it owns is scratch, written anew by every call."""
        return self

    def at(self, q: Floats, v: Floats) -> tuple[Floats, Floats]:
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
