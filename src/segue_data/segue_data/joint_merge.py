"""Joint states of several publishers as one: arm and gripper often publish their own joints each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_data.errors import misaligned
from segue_data.topics import JOINT_STATES


class JointMerge:
    """Positions by name, the newest of each joint; whole messages go through as they are.

    Args:
        names: joints and grippers that a state needs, in its order.
        max_age_ns: how old a joint's value may be beside that of another; older ones make no state.
    """

    def __init__(self, names: Sequence[str], max_age_ns: int) -> None:
        self._names, self._max_age_ns = tuple(names), max_age_ns
        self._newest: dict[str, tuple[int, float]] = {}  # stamp [ns] and position
        self.heard = 0  # messages

    def add(self, message: Any, stamp_ns: int, source: Path) -> tuple[int, NDArray[np.float64]] | None:
        """Take a sensor_msgs/JointState; the stamp [ns] and positions (n,) of a whole state, if this makes one.

        The state has the stamp of its newest joint: it could not be known before.

        Raises:
            DataError: names and positions do not belong together.
        """
        self.heard += 1
        if set(self._names).isdisjoint(message.name):
            return None
        if len(message.position) != len(message.name):
            what = f"{len(message.position)} positions for {len(message.name)} names"
            raise misaligned(source, JOINT_STATES, what)
        told = {
            name: (stamp_ns, float(position))
            for name, position in zip(message.name, message.position, strict=True)
            if name in self._names
        }
        self._newest |= told
        if self.missing:
            return None
        stamps = [self._newest[name][0] for name in self._names]
        if max(stamps) - min(stamps) > self._max_age_ns:
            return None
        return max(stamps), np.array([self._newest[name][1] for name in self._names])

    def why_none(self) -> str:
        """Why `add` has not made one state of what it was given."""
        if self.missing:
            return f"no message has {', '.join(self.missing)} ({self.heard} messages have other joints)"
        limit = f"{self._max_age_ns / 1e6:.0f} ms"
        return f"the values of the joints are never within {limit} of each other: their publishers' clocks differ"

    @property
    def missing(self) -> list[str]:
        """Joints that no message has had yet."""
        return [name for name in self._names if name not in self._newest]
