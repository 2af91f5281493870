"""Every message to a trajectory controller carries its own stop, so that silence is never a runaway.

q    ____p1___                p1: the command, reached after one period at its speed
/         `----p2         p2: at rest, as far as the joints need to brake
now  +T        +T+t_stop
"""

from dataclasses import dataclass

import numpy as np

from segue_control.hardware.motion import Motion
from segue_control.robot.limits import JointLimits
from segue_core.arrays import Floats


@dataclass(frozen=True, eq=False)
class Point:
    """Positions (n,) [rad] and speeds (n,) [rad/s], to be reached `time_s` after the start."""

    positions: Floats
    velocities: Floats
    time_s: float


def with_stop(motion: Motion, period_s: float, limits: JointLimits) -> tuple[Point, Point]:
    """The command and the rest after it, inside the joint limits.

    A cubic through both is a constant deceleration, no harder than the joints' own limit: x = v t_stop / 2.
    """
    stop_s = max(period_s, float(np.max(np.abs(motion.dq) / limits.acceleration)))
    low, high = np.minimum(limits.low, motion.q), np.maximum(limits.high, motion.q)
    rest = np.clip(motion.q + 0.5 * stop_s * motion.dq, low, high)
    return (
        Point(motion.q, motion.dq, period_s),
        Point(rest, np.zeros_like(rest), period_s + stop_s),
    )
