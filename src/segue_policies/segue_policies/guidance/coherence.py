"""Which of several candidates continues a reference best (bidirectional decoding's backward coherence)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.blending import difference


def distances(
    space: ActionSpace,
    candidates: NDArray[np.float32],
    reference: NDArray[np.float32],
    omega: NDArray[np.float32],
    scale: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Weighted squared distance (K,) of chunks (K, H, D) from a reference (H, D), weights (H,), units `scale`."""
    apart = difference(space, reference, candidates) / scale
    total: NDArray[np.float64] = (omega * np.square(apart).sum(axis=-1)).sum(axis=-1)
    return total
