"""A spring and a damper between the tool and its target, as joint torques (Hogan, 1985; as on a Franka).

    F   = clamp(K e) + D J (q_ref' - q')                       e: from the measured pose to the stream's
    tau = J^T F + N^T (k (q_ref - q) + d (q_ref' - q')) + C(q, q') q'  [+ g(q)]

K is the contract's stiffness. D is what damps it critically (times the ratio) for the mass that the tool feels,
Lambda = (J M^-1 J^T)^-1:  D_i = 2 ratio sqrt(K_i Lambda_ii).  N^T = 1 - J^T (M^-1 J^T Lambda)^T lets the elbow's spring
move nothing at the tool (Khatib, 1987). The reference is the guarded joint stream: its pose never leaves the workspace,
its speed and acceleration are bounded, and it brakes when the guard stops the robot.
"""

import numpy as np
from numpy.typing import NDArray

from segue_control import rotations
from segue_control.commands import Measured
from segue_control.controllers.base import Law, PathLaw, PathSource, Setting, Stream
from segue_control.dynamics import Dynamics
from segue_control.sources import PoseSource
from segue_core.controller_config import CartesianImpedance

Array = NDArray[np.float64]

_REGULAR = 1e-4  # added to J M^-1 J^T: bounds the mass that is felt at singular poses
_FELT = np.array(
    [20.0, 20.0, 20.0, 1.0, 1.0, 1.0]
)  # most mass [kg] and inertia [kg m^2] that damping is made for


def _shortened(vector: Array, longest: float) -> Array:
    length = float(np.linalg.norm(vector))
    return vector if length <= longest else vector * (longest / length)


class ImpedanceLaw(PathLaw):
    """Pulls the tools along the guarded stream of a joint path, no harder than the contract says."""

    def __init__(self, source: PathSource, setting: Setting, gains: CartesianImpedance) -> None:
        super().__init__(source)
        self._kinematics, self._gains = setting.kinematics, gains
        self._dynamics = Dynamics(setting.robot, gravity=gains.gravity == "controller")
        self._stiffness = np.repeat([gains.stiffness_n_m, gains.stiffness_n_m_rad], 3)

    def effort(self, stream: Stream, measured: Measured) -> Array:
        """Torques (n,) [N m]; see `Law`."""
        reference, now = self._kinematics.poses(stream.q), self._kinematics.poses(measured.q)
        jacobians = self._kinematics.jacobians(measured.q)
        mass, effort = self._dynamics.at(measured.q, measured.v)
        for arm, part in enumerate(self._kinematics.parts):
            turn = rotations.difference(reference.quaternions[arm].tolist(), now.quaternions[arm].tolist())
            error = np.concatenate([reference.positions[arm] - now.positions[arm], turn])
            late = stream.v[part] - measured.v[part]
            effort[part] += self._of_arm(
                jacobians[arm], mass[part, part], error, stream.q[part] - measured.q[part], late
            )
        return effort

    def _of_arm(self, jacobian: Array, mass: Array, error: Array, off: Array, late: Array) -> Array:
        gains = self._gains
        eased = np.linalg.solve(mass, jacobian.T)  # M^-1 J^T
        mobility = jacobian @ eased
        mobility.flat[::7] += _REGULAR
        felt = np.linalg.inv(mobility)
        spring = self._stiffness * error
        spring[:3] = _shortened(spring[:3], gains.max_force_n)
        spring[3:] = _shortened(spring[3:], gains.max_torque_n_m)
        damping = 2.0 * gains.damping_ratio * np.sqrt(self._stiffness * np.minimum(np.diag(felt), _FELT))
        force = spring + damping * (jacobian @ late)
        elbow = gains.posture_n_m_rad * off + 2.0 * np.sqrt(gains.posture_n_m_rad * np.diag(mass)) * late
        return np.asarray(jacobian.T @ (force - felt @ (eased.T @ elbow)) + elbow)


def create(setting: Setting) -> Law:
    """The law for one robot."""
    gains = setting.robot.control
    assert isinstance(gains, CartesianImpedance)
    return ImpedanceLaw(PoseSource(setting), setting, gains)
