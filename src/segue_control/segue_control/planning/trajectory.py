"""A planned move as data."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.interpolate import BPoly

from segue_core.arrays import Floats
from segue_core.errors import ControlError, ErrorCode

SLOWEST = 0.01  # of the contract's speeds: a way has a row per tick, and takes so much longer


@dataclass(frozen=True, eq=False)
class JointTrajectory:
    """Joint motion from rest to rest.

    Attributes:
        names: the n joints, in the contract's order.
        times: (K,) [s], from 0, increasing.
        positions, velocities, accelerations: (K, n) [rad], [rad/s], [rad/s^2].
        found_by: how the path was found, for people: "straight", "lifted", "rrt_connect", "moveit".
    """

    names: tuple[str, ...]
    times: Floats
    positions: Floats
    velocities: Floats
    accelerations: Floats
    found_by: str = ""

    def __post_init__(self) -> None:
        shape = (len(self.times), len(self.names))
        for what, values in self._parts().items():
            if values.shape != shape:
                raise ControlError(
                    ErrorCode.CONTROL_WRONG_SHAPE, f"trajectory {what}", got=values.shape, expected=shape
                )
            if not np.isfinite(values).all():
                raise ControlError(ErrorCode.CONTROL_NOT_FINITE, f"trajectory {what} are not finite")
        if len(self.times) < 1 or self.times[0] != 0.0 or (np.diff(self.times) <= 0).any():
            raise ControlError(ErrorCode.CONTROL_WRONG_SHAPE, "trajectory times must increase from 0")

    def _parts(self) -> dict[str, Floats]:
        return {
            "positions": self.positions,
            "velocities": self.velocities,
            "accelerations": self.accelerations,
        }

    @property
    def duration_s(self) -> float:
        """How long it takes [s]."""
        return float(self.times[-1])

    @cached_property
    def _curve(self) -> Callable[[float], Any]:
        knots = np.stack([self.positions, self.velocities, self.accelerations], axis=1)  # (K, 3, n)
        curve: Callable[[float], Any] = BPoly.from_derivatives(self.times, knots)
        return curve

    def at(self, time_s: float) -> Floats:
        """Joint positions (n,) at a time, held before the start and after the end: quintic between the knots."""
        if len(self.times) == 1 or time_s <= 0.0:
            return np.array(self.positions[0])
        if time_s >= self.duration_s:
            return np.array(self.positions[-1])
        return np.asarray(self._curve(time_s), dtype=np.float64)

    def rows(self, rate_hz: float) -> Floats:
        """Positions (R, n) at `rate_hz` from the start until it has arrived, the end included."""
        count = int(np.ceil(self.duration_s * rate_hz - 1e-9)) + 1
        return np.array([self.at(index / rate_hz) for index in range(count)])
