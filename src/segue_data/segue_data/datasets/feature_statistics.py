"""Statistics in the layout of LeRobotDataset v3.0: per episode, and aggregated over episodes.

Images are scaled to [0, 1] and reduced to one number per channel, shape (3, 1, 1), from at most 100 frames an
episode; vectors per dimension. Aggregated quantiles are frame-weighted means, as in LeRobot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from segue_core.arrays import Floats

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
MAX_IMAGES = 100

Statistics = dict[str, Floats]


def of_rows(rows: NDArray[np.generic], count: int) -> Statistics:
    """Statistics over the first axis of `rows` (n, D); `count` is the number of frames they stand for."""
    data = np.asarray(rows, dtype=np.float64)
    quantiles = np.quantile(data, list(QUANTILES.values()), axis=0)
    return {
        "min": data.min(axis=0),
        "max": data.max(axis=0),
        "mean": data.mean(axis=0),
        "std": data.std(axis=0),
        "count": np.array([count], dtype=np.float64),
        **dict(zip(QUANTILES, quantiles, strict=True)),
    }


def of_vector(values: NDArray[np.generic]) -> Statistics:
    """Statistics of (frames, D) or (frames,) values."""
    return of_rows(values.reshape(values.shape[0], -1), values.shape[0])


def of_images(images: NDArray[np.uint8]) -> Statistics:
    """Per-channel statistics (3, 1, 1) of (frames, height, width, 3)."""
    chosen = np.unique(np.linspace(0, images.shape[0] - 1, MAX_IMAGES).round().astype(int))
    pixels = images[chosen].reshape(-1, 3).astype(np.float32) / 255.0
    statistics = of_rows(pixels, chosen.size)
    return {name: value if name == "count" else value.reshape(3, 1, 1) for name, value in statistics.items()}


def aggregate(parts: Sequence[Mapping[str, Floats]]) -> Statistics:
    """Statistics of the union, from those of the parts (exact except for the quantiles)."""
    counts = np.array([part["count"][0] for part in parts])
    weights = counts / counts.sum()

    def mean(name: str) -> Floats:
        return np.asarray(np.tensordot(weights, np.stack([p[name] for p in parts]), axes=1), dtype=np.float64)

    centre = mean("mean")
    spread = np.stack([p["std"] ** 2 + (p["mean"] - centre) ** 2 for p in parts])
    return {
        "min": np.min([p["min"] for p in parts], axis=0),
        "max": np.max([p["max"] for p in parts], axis=0),
        "mean": centre,
        "std": np.sqrt(np.tensordot(weights, spread, axes=1)),
        "count": np.array([counts.sum()]),
        **{name: mean(name) for name in QUANTILES},
    }
