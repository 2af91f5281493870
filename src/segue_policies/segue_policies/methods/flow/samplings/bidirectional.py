"""Bidirectional decoding (arXiv 2408.17355): draw several chunks, keep the one that continues the last one best.

    row                 0 ... d-1   d ... d+r-1   d+r ... H-1
    omega               1 ... 1     falling       0 ... 0
    backward coherence  sum over rows of  omega |a - reference|^2           (with a mask for its decay rho^i)

Only rows that both chunks speak about have a weight, so a reference that is padded beyond them does not count. The
distance is taken channel by channel (the short way on SO(3), joints wrap) in units of each row's spread in the training
data. The paper's second criterion, forward contrast, compares with samples of a weaker policy and is left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue_core.policy import PredictRequest
from segue_core.sampling import BidirectionalSampling
from segue_policies.guidance import coherence
from segue_policies.methods.flow.path import sample_plain
from segue_policies.methods.flow.scene import Scene
from segue_policies.request_checks import read_options


def answer(scene: Scene, request: PredictRequest) -> NDArray[np.float32]:
    """The candidate (H, D) with the smallest distance; the first, the plain chunk, where nothing is to continue."""
    count = read_options(request, BidirectionalSampling).candidates
    chunks = scene.physical(sample_plain(scene.velocity(count), scene.noise(count), scene.num_steps))
    best: NDArray[np.float32] = chunks[int(np.argmin(distances(scene, chunks, request)))]
    return best


def distances(scene: Scene, chunks: NDArray[np.float32], request: PredictRequest) -> NDArray[np.float64]:
    """Backward coherence of each candidate, (K,), for chunks (K, H, D)."""
    scale = scene.trained.normaliser.action_scale
    return coherence.distances(scene.trained.space, chunks, request.reference, request.omega, scale)
