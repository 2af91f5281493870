"""Bounds of joint motion, as arrays for the guard."""

from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike

from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ControlError, ErrorCode

OUTSIDE_RAD = 0.02
"""How far outside its limits a measured joint may be and still be moved from."""
AWAY_RAD = 0.05
"""How far a held command may be from the measured joints and still be gone on from; further, somebody moved the arm."""


@dataclass(frozen=True)
class JointLimits:
    """Inclusive bounds, (n,) each: positions [rad], speed [rad/s], acceleration [rad/s^2] and jerk [rad/s^3].

    All are bounds on the commands themselves: on their first, second and third differences over the update
    period.
    """

    low: Floats
    high: Floats
    velocity: Floats
    acceleration: Floats
    jerk: Floats

    def __post_init__(self) -> None:
        rates = np.stack([self.velocity, self.acceleration, self.jerk])
        if not (np.isfinite(rates).all() and (rates > 0).all() and (self.low < self.high).all()):
            raise ControlError(
                ErrorCode.CONTROL_LIMIT, "joint limits must be finite, positive and ordered", got=self
            )

    @property
    def stop_s(self) -> Floats:
        """Longest time (n,) [s] in which a stream inside the limits comes to rest, from full speed and acceleration.

        Acceleration is turned around (and overshoots the speed meanwhile by half of that), then brakes, then eases off.
        """
        return self.velocity / self.acceleration + 4.0 * self.acceleration / self.jerk


def joint_limits(robot: RobotConfig, low: ArrayLike, high: ArrayLike) -> JointLimits:
    """Limits of all arm joints: positions from the model (`low`, `high`), less the configured margin."""
    margin = robot.limits.position_margin_rad

    def per_joint(values: tuple[float, ...]) -> Floats:
        return np.array(
            list(chain.from_iterable(values[: len(arm.joints)] for arm in robot.arms)), dtype=np.float64
        )

    return JointLimits(
        low=np.asarray(low, dtype=np.float64) + margin,
        high=np.asarray(high, dtype=np.float64) - margin,
        velocity=per_joint(robot.limits.velocity_rad_s),
        acceleration=per_joint(robot.limits.acceleration_rad_s2),
        jerk=per_joint(robot.limits.jerk_rad_s3),
    )
