"""Joint states of several publishers as one: arm and gripper often publish their own joints each. For bags and live.

arm's driver      a . . a . . a . . a
gripper's         . g . . . . . g . .        g too old beside the third a: no state
states            . s . s . . . s . s        each with the stamp of its newest joint
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from segue_core.arrays import Floats
from segue_core.figures import told_apart

_SHOWN = 4
TICK_TOLERANCE_NS = 4_000_000  # clocks round differently: what is this little after its tick belongs to it


def max_age_ns(rate_hz: float) -> int:
    """How old a joint's value may be beside that of another, at a tick rate."""
    return round(1e9 / rate_hz) + TICK_TOLERANCE_NS


@dataclass(frozen=True, eq=False)
class MergedJoints:
    """Positions (n,) of all joints, and their speeds (n,), NaN where none were told; the stamp of the newest joint."""

    stamp_ns: int
    positions: Floats
    speeds: Floats


class JointMerge:
    """The newest value of each joint, by name.

    Args:
        names: joints and grippers that a state needs, in its order; others do not matter.
        max_age_ns: how old a joint's value may be beside that of another; older ones make no state.
    """

    def __init__(self, names: Sequence[str], max_age_ns: int) -> None:
        self.names, self._max_age_ns = tuple(names), max_age_ns
        self._places = {name: place for place, name in enumerate(self.names)}
        self._stamps = np.zeros(len(self.names), dtype=np.int64)
        self._told = np.zeros(len(self.names), dtype=bool)
        self._positions = np.full(len(self.names), np.nan)
        self._speeds = np.full(len(self.names), np.nan)
        self._message: list[str] = []
        self._others: list[str] = []  # the first joints that do not matter, to be told
        self._layout = (np.empty(0, np.intp), np.empty(0, np.intp))
        self.heard = 0  # messages

    def layout(self, told: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Which entries (k,) of a message with the joints `told` matter, and their places (k,) in `names`."""
        if told != self._message:
            entries = [entry for entry, name in enumerate(told) if name in self._places]
            places = [self._places[told[entry]] for entry in entries]
            self._message, self._layout = list(told), (np.array(entries, np.intp), np.array(places, np.intp))
            new = (name for name in told if name not in self._places and name not in self._others)
            self._others += islice(new, _SHOWN - len(self._others))
        return self._layout

    def add(
        self, told: Sequence[str], positions: Floats, stamp_ns: int, speeds: Floats | None = None
    ) -> MergedJoints | None:
        """Take a message with the joints `told` (m,); the whole state that is known with it, if there is one."""
        self.heard += 1
        entries, places = self.layout(told)
        if not entries.size:
            return None
        self._positions[places] = positions[entries]
        self._speeds[places] = np.nan if speeds is None else speeds[entries]
        self._stamps[places] = stamp_ns
        self._told[places] = True
        newest = int(self._stamps.max())
        if not self._told.all() or newest - int(self._stamps.min()) > self._max_age_ns:
            return None
        return MergedJoints(newest, self._positions.copy(), self._speeds.copy())

    def why_none(self) -> str:
        """Why there is no whole state of what was taken; empty when there is one."""
        if missing := [name for name, told in zip(self.names, self._told, strict=True) if not told]:
            others = f": {', '.join(self._others)}" if self._others else ""
            return f"no message has {', '.join(missing)} ({self.heard} messages have other joints{others})"
        behind = int(self._stamps.max()) - self._stamps
        if late := [name for name, age in zip(self.names, behind, strict=True) if age > self._max_age_ns]:
            age, allowed = told_apart(behind.max() * 1e-6, self._max_age_ns * 1e-6)
            cause = "a publisher is silent, or on another clock"
            if not self._stamps[behind > self._max_age_ns].any():
                cause = "their stamps are 0: not stamped, or silent"
            return f"{', '.join(late)} last told {age} ms before the others, allowed: {allowed} ms ({cause})"
        return ""
