"""PD on the tool's pose, through the Jacobian to joint velocities (Chain-of-Action, Sec. 5.5, on a Fetch).

    t  = ff x_ref' + P e + D (x_ref' - J q')                    e: from the measured pose to the target
    q' = argmin |W (J q' - t)|^2 + lambda^2 |q'|^2 + posture    inside the joints' speeds, slower near limits

Near singular poses the joints are damped by manipulability (Nakamura and Hanafusa, 1986):

    w = sqrt(det(J J^T))      lambda^2 = damping^2 (1 - w / w0)^2  where w < w0,  else almost 0
"""

import numpy as np

from segue_control.commands import MeasuredJoints
from segue_control.controllers.base import JointStream, Law, PathSource, Setting
from segue_control.controllers.joint_velocity import JointVelocityLaw
from segue_control.robot import rotation_wxyz
from segue_control.robot.kinematics import bounded_minimum
from segue_control.robot.poses import ToolPoses
from segue_control.targets.sources import PoseStream
from segue_core.arrays import Floats
from segue_core.contracts.controller import CartesianPdVelocity

_ROTATION_WEIGHT = 0.3  # metres per radian, as in kinematics.py
_LEAST_DAMPING = 1e-6
_POSTURE = 1e-2
_RANK_TOLERANCE = 1e-7
_LIMIT_TIME_S = 0.1  # a joint may be no faster than what reaches its limit in this time
_WEIGHTS = np.array([1.0, 1.0, 1.0, _ROTATION_WEIGHT, _ROTATION_WEIGHT, _ROTATION_WEIGHT])


def manipulability(jacobian: Floats) -> float:
    """sqrt(det(J J^T)) of a Jacobian (6, n): 0 at a singular pose."""
    return float(np.sqrt(max(np.linalg.det(jacobian @ jacobian.T), 0.0)))


def squared_damping(share: float, gains: CartesianPdVelocity) -> float:
    """lambda^2 for a manipulability that is `share` of the home pose's."""
    missing = max(0.0, 1.0 - share / gains.manipulability) if gains.manipulability else 0.0
    return _LEAST_DAMPING + (gains.damping * missing) ** 2


def _shortened(vector: Floats, longest: float) -> Floats:
    length = float(np.linalg.norm(vector))
    return vector if length <= longest else vector * (longest / length)


class CartesianPdLaw:
    """PD of every tool on its own arm's joints; nothing is commanded before the first target."""

    def __init__(self, setting: Setting, gains: CartesianPdVelocity) -> None:
        self._setting, self._gains = setting, gains
        self._targets = PoseStream(setting)
        self._before: ToolPoses | None = None
        kinematics = setting.kinematics
        self._best = [max(manipulability(j), 1e-6) for j in kinematics.jacobians(kinematics.home)]
        self._p = np.repeat([gains.linear_p_per_s, gains.angular_p_per_s], 3)
        self._d = np.repeat([gains.linear_d, gains.angular_d], 3)

    def begin(self, q: Floats) -> None:
        """See `Law`."""
        self._targets.begin(q)
        self._before = None

    def admit(self, action: Floats, tick: int) -> None:
        """See `Law`."""
        self._targets.admit(action, tick)

    def skip(self, tick: int) -> None:
        """See `Law`."""
        self._targets.skip(tick)

    def rebase(self, q: Floats) -> None:
        """Nothing to do: the law has no path in the joints; see `Law`."""

    def along(self, source: PathSource) -> Law:
        """Follows a joint path by velocity; see `Law`."""
        return JointVelocityLaw(source, self._gains.linear_p_per_s, self._setting.period_s)

    def effort(self, stream: JointStream, measured: MeasuredJoints, stopping: bool) -> Floats:
        """No torque; see `Law`."""
        return np.zeros_like(stream.q)

    def desired(self, stream: JointStream, measured: MeasuredJoints) -> Floats:
        """Where the velocities lead in one period; see `Law`."""
        if not self._targets.moving:
            return stream.q
        kinematics, period = self._setting.kinematics, self._setting.period_s
        target = self._targets.advance()
        before, self._before = self._before or target, target
        now, jacobians = kinematics.poses(measured.q), kinematics.jacobians(measured.q)
        speeds = np.zeros_like(stream.q)
        for arm, part in enumerate(kinematics.parts):
            moving = _apart(target, before, arm) / period
            twist = self._twist(_apart(target, now, arm), moving, jacobians[arm] @ measured.v[part])
            speeds[part] = self._joint_speeds(arm, part, jacobians[arm], twist, measured.q[part])
        return np.asarray(stream.q + speeds * period)

    def _twist(self, error: Floats, wanted: Floats, present: Floats) -> Floats:
        """Linear and angular velocity (6,) to ask for."""
        twist = self._gains.feed_forward * wanted + self._p * error + self._d * (wanted - present)
        linear, angular = (
            _shortened(twist[:3], self._gains.max_speed_m_s),
            _shortened(twist[3:], self._gains.max_turn_rad_s),
        )
        return np.concatenate([linear, angular])

    def _joint_speeds(self, arm: int, part: slice, jacobian: Floats, twist: Floats, q: Floats) -> Floats:
        limits, gains = self._setting.limits, self._gains
        weighted = jacobian * _WEIGHTS[:, None]
        outer = weighted @ weighted.T
        outer.flat[::7] += _RANK_TOLERANCE
        free = np.eye(len(q)) - weighted.T @ np.linalg.solve(outer, weighted)
        homeward = gains.posture_per_s * (self._setting.kinematics.home[part] - q)
        hessian = weighted.T @ weighted + _POSTURE * free
        hessian.flat[:: len(q) + 1] += squared_damping(manipulability(jacobian) / self._best[arm], gains)
        gradient = -((_WEIGHTS * twist) @ weighted) - _POSTURE * (free @ homeward)
        fastest = limits.velocity[part]
        low = np.clip((limits.low[part] - q) / _LIMIT_TIME_S, -fastest, 0.0)
        high = np.clip((limits.high[part] - q) / _LIMIT_TIME_S, 0.0, fastest)
        return bounded_minimum(hessian, gradient, low, high)


def _apart(target: ToolPoses, other: ToolPoses, arm: int) -> Floats:
    """Position [m] and turn [rad] (6,) from `other` to `target`, base-frame axes."""
    turn = rotation_wxyz.difference(target.quaternions[arm].tolist(), other.quaternions[arm].tolist())
    return np.concatenate([target.positions[arm] - other.positions[arm], turn])


def create(setting: Setting) -> Law:
    """The law for one robot."""
    gains = setting.robot.control
    assert isinstance(gains, CartesianPdVelocity)
    return CartesianPdLaw(setting, gains)
