"""Puts measured joints together that come in several messages, each with its own names and units. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np

from segue_control.hardware.mapping import Axis
from segue_core.arrays import Floats

GRIPPER_AGE_S = 1.0


class StateAssembler:
    """The newest position of every axis, and whether all of them are fresh.

    Args:
        joints, grippers: axes in the robot's own order.
        max_age_s: oldest arm joint that still counts as measured now; grippers often tell their opening less often,
            and may be as old as `GRIPPER_AGE_S`.
    """

    def __init__(self, joints: Sequence[Axis], grippers: Sequence[Axis], max_age_s: float) -> None:
        self._axes = [*joints, *grippers]
        self._count = len(joints)
        self._max_age_s = np.array(
            [max_age_s] * len(joints) + [max(max_age_s, GRIPPER_AGE_S)] * len(grippers)
        )
        self._by_name: dict[str, list[int]] = {}
        for index, axis in enumerate(self._axes):
            self._by_name.setdefault(axis.theirs, []).append(index)
        self._values = np.full(len(self._axes), np.nan)
        self._times = np.full(len(self._axes), -np.inf)

    def take(self, positions: Mapping[str, float], now_s: float) -> bool:
        """Notes positions by the driver's names, received at `now_s`; whether any of them is ours."""
        ours = [name for name in positions if name in self._by_name]
        for name in ours:
            for index in self._by_name[name]:
                self._values[index] = self._axes[index].back(positions[name])
                self._times[index] = now_s
        return bool(ours)

    def assume(self, grippers: Mapping[str, float], now_s: float) -> None:
        """Takes openings, by our names, for measured: of grippers that cannot tell."""
        for index, axis in enumerate(self._axes):
            if axis.ours in grippers:
                self._values[index], self._times[index] = grippers[axis.ours], now_s

    def missing(self, now_s: float) -> list[str]:
        """The driver's names of axes without a fresh value."""
        old = now_s - self._times > self._max_age_s
        return [axis.theirs for axis, too_old in zip(self._axes, old, strict=True) if too_old]

    @property
    def measured_s(self) -> float:
        """When the arm joint that was told least recently was received."""
        return float(self._times[: self._count].min())

    def sample(self, now_s: float) -> tuple[Floats, Floats] | None:
        """Joints (n,) [rad] and openings (A,) in [0, 1], or None while an axis has no fresh value.

        Values that are not finite are passed on: the safety guard stops for them.
        """
        if self.missing(now_s):
            return None
        openings = self._values[self._count :]
        return self._values[: self._count].copy(), np.clip(openings, 0.0, 1.0)
