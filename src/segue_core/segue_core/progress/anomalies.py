"""Where predicted progress falls although the task succeeds (ProgressVLA, Eq. 13 and 14).

t'         the later moment with the smallest prediction, arg min over k > t
anomaly    a moment t whose prediction is above that of t' by more than the margin
"""

import numpy as np
from numpy.typing import NDArray


def lowest_after(predicted: NDArray[np.float64]) -> NDArray[np.int64]:
    """T' of every moment but the last, (n - 1,); the first of equals. Empty for a single moment."""
    lowest = np.zeros(max(len(predicted) - 1, 0), dtype=np.int64)
    best = len(predicted) - 1
    for moment in range(len(predicted) - 2, -1, -1):
        best = moment + 1 if predicted[moment + 1] <= predicted[best] else best
        lowest[moment] = best
    return lowest


def anomalies(predicted: NDArray[np.float64], margin: float) -> NDArray[np.int64]:
    """Pairs (t, t'), (m, 2), of one succeeding task's predictions (n,); `margin` is not negative."""
    lowest = lowest_after(predicted)
    falls = np.flatnonzero(predicted[:-1] > predicted[lowest] + margin)
    return np.stack([falls, lowest[falls]], axis=1)
