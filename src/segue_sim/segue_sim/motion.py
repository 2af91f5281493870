"""Smooth set-point motion for scripted experts: a point that travels to goals with bounded speed and acceleration."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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


class SetPoint:
    """Position (3,) [m] and yaw [rad] of a tool, moved once per tick of `dt` seconds."""

    def __init__(self, position: Floats, yaw: float, dt: float, limits: MotionLimits) -> None:
        self.position, self.yaw = position.copy(), yaw
        self._velocity, self._yaw_rate = np.zeros(3), 0.0
        self._dt, self._limits = dt, limits

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
