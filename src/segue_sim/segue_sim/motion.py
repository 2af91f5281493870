"""Smooth set-point motion for scripted experts: a point that travels to goals with bounded speed and acceleration."""

from dataclasses import dataclass

import numpy as np

from segue_control.robot import rotation_wxyz
from segue_control.robot.rotation_wxyz import Wxyz
from segue_core.arrays import Floats


@dataclass(frozen=True)
class MotionLimits:
    """Bounds of an expert's set-point."""

    speed: float = 0.45  # [m/s]
    acceleration: float = 1.8  # [m/s^2]
    yaw_speed: float = 2.2  # [rad/s]
    yaw_acceleration: float = 9.0  # [rad/s^2]


def _brake(distance: float, speed: float, acceleration: float) -> float:
    """Speed at which one can still stop within `distance`, at most `speed`."""
    return min(speed, float(np.sqrt(2.0 * 0.8 * acceleration * max(distance, 0.0))))


def _within(vector: Floats, most: float) -> Floats:
    """`vector` (3,), shortened to the length `most`."""
    return np.asarray(vector * min(1.0, most / max(float(np.linalg.norm(vector)), 1e-12)))


class SetPoint:
    """Position (3,) [m] and yaw [rad] of a tool, moved once per tick of `dt` seconds."""

    def __init__(self, position: Floats, yaw: float, dt: float, limits: MotionLimits) -> None:
        self.position, self.yaw = position.copy(), yaw
        self._velocity, self._yaw_rate = np.zeros(3), 0.0
        self._dt, self._limits = dt, limits

    def moving(self, position: Floats, yaw: float, velocity: Floats, yaw_rate: float) -> "SetPoint":
        """A set-point with the same limits somewhere else, already under way at `velocity` (3,) [m/s] and [rad/s]."""
        other = SetPoint(position, yaw, self._dt, self._limits)
        other._velocity, other._yaw_rate = np.array(velocity, dtype=np.float64), yaw_rate
        return other

    def move(self, goal: Floats, yaw: float, slow: float = 1.0) -> None:
        """One tick towards `goal`; `slow` in (0, 1] scales the speed. Does not overshoot."""
        offset = goal - self.position
        distance = float(np.linalg.norm(offset))
        speed = _brake(distance, self._limits.speed * slow, self._limits.acceleration)
        wanted = offset / max(distance, 1e-9) * min(speed, distance / self._dt)
        change = wanted - self._velocity
        room = self._limits.acceleration * self._dt / max(float(np.linalg.norm(change)), 1e-12)
        self._velocity += change * min(1.0, room)
        self.position = self.position + self._velocity * self._dt
        self._turn(yaw)

    def _turn(self, yaw: float) -> None:
        error = yaw - self.yaw
        rate = _brake(abs(error), self._limits.yaw_speed, self._limits.yaw_acceleration)
        wanted = np.sign(error) * min(rate, abs(error) / self._dt)
        room = self._limits.yaw_acceleration * self._dt
        self._yaw_rate += float(np.clip(wanted - self._yaw_rate, -room, room))
        self.yaw += self._yaw_rate * self._dt

    def near(self, goal: Floats, within: float) -> bool:
        """Whether the set-point is within `within` metres of the goal."""
        return float(np.linalg.norm(goal - self.position)) < within


class PoseSetPoint:
    """Position (3,) [m] and orientation of a tool, moved once per tick; quaternions turn it from pointing down.

    Both travel with bounded speed and acceleration; turning follows the shortest way.
    """

    def __init__(self, position: Floats, dt: float, limits: MotionLimits) -> None:
        self._point = SetPoint(position, 0.0, dt, limits)
        self.quaternion: Wxyz = (1.0, 0.0, 0.0, 0.0)
        self._rate = np.zeros(3)
        self._dt, self._limits = dt, limits

    @property
    def position(self) -> Floats:
        """Where the tool should be (3,) [m]."""
        return np.asarray(self._point.position)

    @property
    def rotation_vector(self) -> Floats:
        """How it should be turned (3,) [rad], no longer than pi."""
        return np.array(rotation_wxyz.to_rotation_vector(self.quaternion))

    def move(self, position: Floats, quaternion: Wxyz, slow: float = 1.0) -> None:
        """One tick towards a pose; `slow` in (0, 1] scales the speeds. Does not overshoot."""
        self._point.move(position, 0.0, slow)
        limits = self._limits
        error = np.array(rotation_wxyz.difference(quaternion, self.quaternion))
        angle = float(np.linalg.norm(error))
        rate = min(_brake(angle, limits.yaw_speed * slow, limits.yaw_acceleration), angle / self._dt)
        change = error / max(angle, 1e-9) * rate - self._rate
        room = limits.yaw_acceleration * self._dt / max(float(np.linalg.norm(change)), 1e-12)
        self._rate = self._rate + change * min(1.0, room)
        step = rotation_wxyz.from_rotation_vector((self._rate * self._dt).tolist())
        self.quaternion = rotation_wxyz.normalised(rotation_wxyz.multiply(step, self.quaternion))

    def under_way(self, position: Floats, quaternion: Wxyz, velocity: Floats, rate: Floats) -> None:
        """Go on from a pose that is passed at `velocity` (3,) [m/s], turning at `rate` (3,) [rad/s]."""
        self._point = self._point.moving(position, 0.0, _within(velocity, self._limits.speed), 0.0)
        self._rate, self.quaternion = _within(rate, self._limits.yaw_speed), quaternion

    def put(self, position: Floats, quaternion: Wxyz) -> None:
        """Set the pose of this tick, on a path whose speed somebody else bounds; it ends at rest."""
        self._point = SetPoint(position, 0.0, self._dt, self._limits)
        self._rate, self.quaternion = np.zeros(3), quaternion

    def near(self, position: Floats, within: float) -> bool:
        """Whether the set-point is within `within` metres of `position`."""
        return self._point.near(position, within)

    def turned(self, quaternion: Wxyz, within: float) -> bool:
        """Whether the set-point's orientation is within `within` radians of `quaternion`."""
        return float(np.linalg.norm(rotation_wxyz.difference(quaternion, self.quaternion))) < within
