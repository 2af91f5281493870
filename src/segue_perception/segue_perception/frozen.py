"""Recognises a camera that repeats one picture with fresh stamps.

A still picture is no proof: a simulated camera in front of a still scene repeats itself to the last bit. It
is one when the robot moved meanwhile: the arm that carries the camera, or, for a camera that stands, any arm
in its view.
"""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_core.arrays import Floats

_STILL = 1e-3  # [m or rad]
_RESTED_NS = 2_000_000_000


@dataclass(frozen=True)
class FrozenRule:
    """A repeated picture is frozen after `time_ns` in which the entries `watched` of the state moved over `motion`.

    `motion` is in metres and radians alike: both change a picture by far more than its noise. It is the diagonal of
    the box that the entries moved in, so that to and fro counts wherever the picture stopped on the way.
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
        self._box: tuple[Floats, Floats] | None = None  # least and greatest of each entry
        self._rest: tuple[Floats, int] | None = None  # where it stands, since when

    def frame(self, image: NDArray[np.uint8], now_ns: int) -> None:
        """Notes a picture received at `now_ns`, on a clock that may be set back."""
        content = zlib.crc32(np.ascontiguousarray(image).data)
        if content != self._content:
            self._content, self._since_ns, self._box = content, now_ns, None

    def motion(self, state: Floats, now_ns: int) -> None:
        """Notes a measured state (D,) received at `now_ns`."""
        watched = state[self._indices]
        self._since_ns = min(self._since_ns, now_ns)
        if self._rest is None or now_ns < self._rest[1] or np.abs(watched - self._rest[0]).max() > _STILL:
            self._rest = watched, now_ns
        if (
            now_ns - self._rest[1] > _RESTED_NS
        ):  # what moved before, or seemed to, is no reason to refuse it for ever
            self._box = None
        low, high = self._box or (watched, watched)
        self._box = np.minimum(low, watched), np.maximum(high, watched)

    def frozen(self, now_ns: int) -> bool:
        """Whether the picture should have changed by now."""
        if self._box is None or now_ns - self._since_ns <= self._rule.time_ns:
            return False
        low, high = self._box
        return float(np.linalg.norm(high - low)) > self._rule.motion
