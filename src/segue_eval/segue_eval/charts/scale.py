"""Linear scales and round tick values."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Scale:
    """Maps data [low, high] to pixels [start, end]; `start > end` points an axis upwards."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, values: ArrayLike) -> NDArray[np.float64]:
        """Pixels of `values`, same shape; NaN stays NaN."""
        span = self.high - self.low
        share = (np.asarray(values, dtype=np.float64) - self.low) / (span if span else 1.0)
        return np.asarray(self.start + share * (self.end - self.start), dtype=np.float64)

    def at(self, value: float) -> float:
        """Pixel of one value."""
        return float(self(value))


def _step(span: float, count: int) -> float:
    raw = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round values in [low, high], about `count` of them; one when the span is empty, none for `count` 0."""
    if count < 1:
        return []
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    step = _step(high - low, count)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [index * step + 0.0 for index in range(first, last + 1)]


def padded_range(values: ArrayLike, margin: float = 0.06, least: float = 0.0) -> tuple[float, float]:
    """Smallest range that shows all finite values with `margin` of air, never narrower than `least`."""
    data = np.asarray(values, dtype=np.float64)
    data = data[np.isfinite(data)]
    if data.size == 0:
        return 0.0, 1.0
    low, high = float(data.min()), float(data.max())
    half = max((high - low) / 2, least / 2, 1e-9)
    middle = (low + high) / 2
    return middle - half * (1 + 2 * margin), middle + half * (1 + 2 * margin)


def label(value: float) -> str:
    """Short axis label without trailing zeros: 0.25, 1200, 3e-05."""
    text = f"{value:.6g}"
    return "0" if text in ("-0", "0") else text
