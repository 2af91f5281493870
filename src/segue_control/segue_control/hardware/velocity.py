"""Joint speeds for drivers that take nothing else: the command's own speed and a pull towards its position."""

import numpy as np
from numpy.typing import NDArray

from segue_control.hardware.motion import Motion

Array = NDArray[np.float64]


def follow(motion: Motion, measured: Array, gain_per_s: float, limit: Array) -> Array:
    """Speeds (n,) [rad/s], at most `limit` (n,): dq + gain (q - measured).

    All joints are slowed by the same factor where one would be too fast, so that the path stays the path.
    """
    wanted = motion.dq + gain_per_s * (motion.q - measured)
    return np.asarray(wanted / max(1.0, float(np.max(np.abs(wanted) / limit))), dtype=np.float64)
