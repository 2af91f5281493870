"""What an estimator says along demonstrations, and how good that is (ProgressVLA, Sec. V-F).

Pearson            correlation of the prediction with the ramp t / T, mean over demonstrations
MAE                mean distance from it, over all predictions
stop reliability   share of demonstrations whose largest prediction of the last 10 ticks is above 0.9
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LAST_TICKS, RELIABLE = 10, 0.9


@dataclass(frozen=True, eq=False)
class ProgressTrace:
    """One demonstration.

    Args:
        ticks: (n,) at which progress was predicted, rising; the demonstration begins at 0.
        predicted, actual: (n,) in [0, 1]; actual is t / T.
        last_tick: T, its last tick.
    """

    ticks: NDArray[np.int64]
    predicted: NDArray[np.float64]
    actual: NDArray[np.float64]
    last_tick: int


def pearson(trace: ProgressTrace) -> float:
    """Correlation with the ramp, in [-1, 1]; 0 for predictions that never change."""
    predicted, actual = (values - values.mean() for values in (trace.predicted, trace.actual))
    spread = float(np.sqrt(np.square(predicted).sum() * np.square(actual).sum()))
    return float(np.clip((predicted * actual).sum() / spread, -1.0, 1.0)) if spread > 1e-12 else 0.0


def says_done(trace: ProgressTrace) -> bool:
    """Whether a prediction of the last 10 ticks is above 0.9."""
    late = trace.predicted[trace.ticks > trace.last_tick - LAST_TICKS]
    return bool(late.size and late.max() > RELIABLE)


def scores(traces: Sequence[ProgressTrace]) -> dict[str, float]:
    """The three metrics of the paper over demonstrations, by name; at least one."""
    errors = np.concatenate([np.abs(trace.predicted - trace.actual) for trace in traces])
    return {
        "pearson": float(np.mean([pearson(trace) for trace in traces])),
        "mae": float(errors.mean()),
        "stop_reliability": float(np.mean([says_done(trace) for trace in traces])),
    }
