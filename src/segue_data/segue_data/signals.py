"""Questions to ask of a recorded stream: rate, gaps, values that are not finite, jumps, frozen pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

GAP_PERIODS = 3.0  # a pause this many times the median period is a gap
FROZEN_FRAMES = 15  # identical frames in a row, half a second at 30 Hz
FROZEN_MOTION = 0.02  # largest motion [rad or m] during which identical pictures are believed


@dataclass(frozen=True)
class Timing:
    """Rate and regularity of a stream, from its stamps."""

    count: int
    rate_hz: float
    longest_gap_s: float
    longest_gap_at_s: float  # since the first stamp

    @property
    def has_gap(self) -> bool:
        """Whether the longest pause is far above the usual period."""
        return self.rate_hz > 0 and self.longest_gap_s > GAP_PERIODS / self.rate_hz


def timing(stamps_ns: Sequence[int]) -> Timing:
    """Timing of stamps in their order; the rate comes from the median period."""
    stamps = np.asarray(stamps_ns, dtype=np.int64)
    if stamps.size < 2:
        return Timing(int(stamps.size), 0.0, 0.0, 0.0)
    steps = np.diff(stamps)
    longest, period = int(steps.argmax()), float(np.median(steps))
    return Timing(
        count=int(stamps.size),
        rate_hz=1e9 / period if period > 0 else 0.0,
        longest_gap_s=float(steps[longest]) / 1e9,
        longest_gap_at_s=float(stamps[longest] - stamps[0]) / 1e9,
    )


def first_not_finite(values: NDArray[np.generic]) -> tuple[int, int] | None:
    """(row, column) of the first entry of (n, D) that is not finite."""
    bad = np.argwhere(~np.isfinite(np.asarray(values, dtype=np.float64)))
    return (int(bad[0][0]), int(bad[0][1])) if bad.size else None


def first_outside(
    values: NDArray[np.generic], low: NDArray[np.float64], high: NDArray[np.float64], tolerance: float = 1e-3
) -> tuple[int, int] | None:
    """(row, column) of the first entry of (n, D) outside [low, high] by more than `tolerance`."""
    data = np.asarray(values, dtype=np.float64)
    bad = np.argwhere((data < low - tolerance) | (data > high + tolerance))
    return (int(bad[0][0]), int(bad[0][1])) if bad.size else None


def largest_step(values: NDArray[np.generic]) -> tuple[float, int]:
    """Largest Euclidean step between rows of (n, D) and the row it leads to; (0, 0) below two rows."""
    data = np.asarray(values, dtype=np.float64)
    if len(data) < 2:
        return 0.0, 0
    steps = np.linalg.norm(np.diff(data, axis=0), axis=1)
    return float(steps.max()), int(steps.argmax()) + 1


def frozen_runs(digests: Sequence[int]) -> list[tuple[int, int]]:
    """[first, last] of every run of at least FROZEN_FRAMES equal digests."""
    values = np.asarray(digests)
    if values.size < FROZEN_FRAMES:
        return []
    edges = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1], [True]]))
    return [(int(a), int(b) - 1) for a, b in pairwise(edges) if b - a >= FROZEN_FRAMES]


def repeats(digests: Sequence[int]) -> int:
    """How many frames equal the frame before."""
    values = np.asarray(digests)
    return int((values[1:] == values[:-1]).sum()) if values.size else 0


def motion(values: NDArray[np.generic]) -> float:
    """Largest range of any column of (n, D)."""
    return float(np.ptp(np.asarray(values, dtype=np.float64), axis=0).max()) if len(values) else 0.0
