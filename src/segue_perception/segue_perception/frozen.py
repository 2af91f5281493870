"""Recognises a camera that repeats one picture with fresh stamps.

A still picture is no proof: a simulated camera in front of a still scene repeats itself to the last bit. It
is one when the robot moved meanwhile: the arm that carries the camera, or, for a camera that stands, any arm
in its view.
"""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FrozenRule:
    """A repeated picture is frozen after `time_ns` in which the state moved by `motion` in `watched` entries.

    `motion` is in metres and radians alike: both change a picture by far more than its noise.
    """

    watched: tuple[int, ...]
    motion: float
    time_ns: int = 700_000_000  # so that, with the motion, it is found within a second


class FrozenWatch:
    """Follows one camera."""

    def __init__(self, rule: FrozenRule) -> None:
        self._rule = rule
        self._indices = list(rule.watched)
        self._content: int | None = None
        self._since_ns = 0
        self._moved = 0.0
        self._state: Array | None = None

    def frame(self, image: NDArray[np.uint8], now_ns: int) -> None:
        """Notes a picture received at `now_ns` (steady clock)."""
        content = zlib.crc32(np.ascontiguousarray(image).data)
        if content != self._content:
            self._content, self._since_ns, self._state, self._moved = content, now_ns, None, 0.0

    def motion(self, state: Array) -> None:
        """Notes a measured state (D,)."""
        watched = state[self._indices]
        if self._state is None:
            self._state = watched
        self._moved = max(self._moved, float(np.abs(watched - self._state).max(initial=0.0)))

    def frozen(self, now_ns: int) -> bool:
        """Whether the picture should have changed by now."""
        return self._moved > self._rule.motion and now_ns - self._since_ns > self._rule.time_ns
