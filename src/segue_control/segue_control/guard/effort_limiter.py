"""Keeps torque commands finite, inside what the joints can bear, and from jumping."""

from itertools import chain

import numpy as np

from segue_core.arrays import Floats
from segue_core.contracts.controller import CartesianImpedance
from segue_core.contracts.robot import RobotConfig


class EffortLimiter:
    """State of the torque stream of n joints: largest torque (n,) [N m] and largest change per period (n,) [N m].

    The bound on the change is that of libfranka's limitRate: 1000 N m/s, 1 N m in a millisecond.
    """

    def __init__(self, largest: Floats, rate_n_m_s: float, period_s: float) -> None:
        self.largest = largest
        self.step = rate_n_m_s * period_s
        self.reset()

    def reset(self) -> None:
        """Begins a stream at no torque."""
        self.effort = np.zeros_like(self.largest)
        self._cause = np.zeros(len(self.largest), dtype=np.intp)

    def follow(self, wanted: Floats) -> Floats:
        """The next torques (n,), as near to `wanted` (n,), finite, as the bounds allow."""
        inside = np.clip(wanted, -self.largest, self.largest)
        effort = np.clip(inside, self.effort - self.step, self.effort + self.step)
        self._cause = np.where(inside != wanted, 1, np.where(effort != inside, 2, 0))
        self.effort = effort
        return effort

    def reasons(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Which bound changed the last command, per joint: "effort:arm_joint3", "effort_rate:arm_joint1"."""
        causes = ("", "effort", "effort_rate")
        return tuple(f"{causes[self._cause[i]]}:{names[i]}" for i in np.flatnonzero(self._cause))


def effort_limiter(robot: RobotConfig) -> EffortLimiter | None:
    """The limiter of a robot that is told torques; None for any other."""
    if not isinstance(robot.control, CartesianImpedance):
        return None
    largest = np.array(list(chain.from_iterable(arm.torque_n_m for arm in robot.arms)), dtype=np.float64)
    return EffortLimiter(largest, robot.control.torque_rate_n_m_s, 1.0 / robot.control_rate_hz)
