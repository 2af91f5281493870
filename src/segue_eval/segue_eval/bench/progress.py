"""What an estimate of a task's progress costs."""

from __future__ import annotations

from functools import partial

import numpy as np

from segue_core.observation import Observation
from segue_core.progress.estimator import ProgressEstimator
from segue_eval.bench.timing import Timing, interleaved


def bench_estimator(estimator: ProgressEstimator, rounds: int) -> Timing:
    """Estimates of one observation, after the first of a task."""
    info, rng = estimator.info, np.random.default_rng(0)
    shape = (*info.image_size[::-1], 3)
    images = {name: rng.integers(0, 256, shape, dtype=np.uint8) for name in info.cameras}
    estimator.begin(next(iter(info.instructions), ""))
    seen = Observation(0, np.zeros(1, dtype=np.float32), images)
    estimator.estimate(seen)
    return interleaved({info.name: partial(estimator.estimate, seen)}, rounds)[info.name]
