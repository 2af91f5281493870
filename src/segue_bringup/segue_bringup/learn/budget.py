"""How the time of a lesson is divided. Pure: seconds in, seconds out.

|- recording: at most 0.45 -|- converting, pictures -|---- training: what is left ----|- evaluation 0.1 -|
"""

from __future__ import annotations

RECORDING, EVALUATION = 0.45, 0.1
BATCH, LEAST = 20, 5
"""Episodes that are recorded between two looks at the clock, and the fewest that are worth starting for."""


def next_batch(there: int, most: int, used_s: float, whole_s: float) -> int:
    """How many more episodes to try, of `there` in `used_s` so far; 0: enough, or no time for more like those.

    The first batch is always recorded.
    """
    wanted = max(0, min(BATCH, most - there))
    if there == 0:
        return wanted
    affordable = int((RECORDING * whole_s - used_s) * there / used_s) if used_s > 0 else wanted
    more = min(wanted, affordable)
    return more if more >= min(wanted, LEAST) else 0


def training_minutes(used_s: float, whole_s: float) -> float:
    """Time to train for [min], at least a twentieth of the whole."""
    return max((1.0 - EVALUATION) * whole_s - used_s, 0.05 * whole_s) / 60.0
