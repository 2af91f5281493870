"""How the time of a lesson is divided. Pure: seconds in, seconds out.

|- recording: at most 0.3 -|- converting, pictures -|---- training: what is left ----|- evaluation 0.1 -|
"""

from __future__ import annotations

RECORDING, EVALUATION = 0.3, 0.1
BATCH = 20
"""Episodes that are recorded between two looks at the clock."""


def next_batch(there: int, most: int, used_s: float, whole_s: float) -> int:
    """How many more episodes to try, of `there` in `used_s` so far; 0: enough, or no time for a batch like the last.

    The first batch is always recorded.
    """
    if there >= most:
        return 0
    wanted = min(BATCH, most - there)
    if there == 0:
        return wanted
    return wanted if used_s + wanted * used_s / there <= RECORDING * whole_s else 0


def training_minutes(used_s: float, whole_s: float) -> float:
    """Time to train for [min], at least a twentieth of the whole."""
    return max((1.0 - EVALUATION) * whole_s - used_s, 0.05 * whole_s) / 60.0
