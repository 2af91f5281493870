"""A spring and a damper between the tool and its target, as joint torques (Hogan, 1985; as on a Franka).

    F   = clamp(K e) + D J (q_ref' - q')                       e: from the measured pose to the stream's
    tau = J^T F + N^T (k (q_ref - q) + d (q_ref' - q')) + C(q, q') q'  [+ g(q)]

K is the contract's stiffness. D damps every mode of the mass that the tool feels, Lambda = (J M^-1 J^T)^-1, by the
contract's ratio (double diagonalisation: Albu-Schaeffer, Ott, Frese, Hirzinger, 2003):

    Lambda = L L^T,   L^-1 K L^-T = U w^2 U^T,   D = 2 ratio L U w U^T L^T

N^T = 1 - J^T (M^-1 J^T Lambda)^T lets the elbow's spring move nothing at the tool (Khatib, 1987). The reference is
the guarded joint stream: its pose never leaves the workspace, its speed and acceleration are bounded.

While the guard stops or holds the robot there is no tool to pull. Every joint follows the stream's stop alone, damped
critically whatever its inertia:  tau = M (w^2 (q_ref - q) + 2 w (q_ref' - q')) + C(q, q') q'  [+ g(q)].
"""

import numpy as np

from segue_control.commands import MeasuredJoints
from segue_control.controllers.base import JointStream, Law, PathLaw, PathSource, Setting
from segue_control.robot import rotation_wxyz
from segue_control.robot.dynamics import Dynamics
from segue_control.targets.sources import PoseSource
from segue_core.arrays import Floats
from segue_core.contracts.controller import CartesianImpedance

# Added to J M^-1 J^T: what is felt at a singular pose is at most 50 kg and 10 kg m^2.
_REGULAR = np.diag([0.02, 0.02, 0.02, 0.1, 0.1, 0.1])
_HOLDING_RAD_S = 20.0  # w of the joints when stopped: at rest after 0.3 s
_HOLDING_STEP_RAD = 0.16  # and w times the control period at most: two periods of delay do no harm


def critical_damping(felt: Floats, stiffness: Floats) -> Floats:
    """D (6, 6) that damps a mass `felt` (6, 6) on springs `stiffness` (6,) critically in all of its modes."""
    root = np.linalg.cholesky(felt)
    inverse = np.linalg.inv(root)
    squares, modes = np.linalg.eigh((inverse * stiffness) @ inverse.T)
    shaped = root @ modes
    return np.asarray((shaped * (2.0 * np.sqrt(np.maximum(squares, 0.0)))) @ shaped.T)


def _shortened(vector: Floats, longest: float) -> Floats:
    length = float(np.linalg.norm(vector))
    return vector if length <= longest else vector * (longest / length)


class ImpedanceLaw(PathLaw):
    """Pulls the tools along the guarded stream of a joint path, no harder than the contract says."""

    def __init__(self, source: PathSource, setting: Setting, gains: CartesianImpedance) -> None:
        super().__init__(source)
        self._kinematics, self._gains = setting.kinematics, gains
        self._dynamics = Dynamics(setting.robot, gravity=gains.gravity == "controller")
        self._stiffness = np.repeat([gains.stiffness_n_m, gains.stiffness_n_m_rad], 3)
        self._holding_rate = min(_HOLDING_RAD_S, _HOLDING_STEP_RAD / setting.period_s)

    def effort(self, stream: JointStream, measured: MeasuredJoints, stopping: bool) -> Floats:
        """Torques (n,) [N m]; see `Law`."""
        mass, bias = self._dynamics.at(measured.q, measured.v)
        off, late = stream.q - measured.q, stream.v - measured.v
        if stopping:
            w = self._holding_rate
            return np.asarray(mass @ (w * w * off + 2.0 * w * late) + bias)
        reference, now = self._kinematics.poses(stream.q), self._kinematics.poses(measured.q)
        jacobians, effort = self._kinematics.jacobians(measured.q), bias
        for arm, part in enumerate(self._kinematics.parts):
            turn = rotation_wxyz.difference(
                reference.quaternions[arm].tolist(), now.quaternions[arm].tolist()
            )
            error = np.concatenate([reference.positions[arm] - now.positions[arm], turn])
            effort[part] += self._of_arm(jacobians[arm], mass[part, part], error, off[part], late[part])
        return effort

    def _of_arm(self, jacobian: Floats, mass: Floats, error: Floats, off: Floats, late: Floats) -> Floats:
        gains = self._gains
        eased = np.linalg.solve(mass, jacobian.T)  # M^-1 J^T
        felt = np.asarray(np.linalg.inv(jacobian @ eased + _REGULAR), dtype=np.float64)
        spring = self._stiffness * error
        spring[:3] = _shortened(spring[:3], gains.max_force_n)
        spring[3:] = _shortened(spring[3:], gains.max_torque_n_m)
        damping = gains.damping_ratio * critical_damping(felt, self._stiffness)
        elbow = gains.posture_n_m_rad * off + 2.0 * np.sqrt(gains.posture_n_m_rad * np.diag(mass)) * late
        force = spring + damping @ (jacobian @ late) - felt @ (eased.T @ elbow)
        return np.asarray(jacobian.T @ force + elbow)


def create(setting: Setting) -> Law:
    """The law for one robot."""
    gains = setting.robot.control
    assert isinstance(gains, CartesianImpedance)
    return ImpedanceLaw(PoseSource(setting), setting, gains)
