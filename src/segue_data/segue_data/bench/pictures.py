"""Pictures for the benchmark: a gradient with the noise of a camera, twelve different ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 480
NOISE = 2.5  # standard deviation of the noise [grey levels]
COUNT = 12


def pictures() -> list[NDArray[np.uint8]]:
    """`COUNT` pictures (height, width, 3) uint8, always the same ones."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    made = []
    for number in range(COUNT):
        base = np.stack([x / 4, y / 3, (x + y) / 7 + 10 * number], axis=-1)
        noisy = np.clip(base + rng.normal(0.0, NOISE, base.shape), 0, 255)
        made.append(noisy.astype(np.uint8))
    return made
