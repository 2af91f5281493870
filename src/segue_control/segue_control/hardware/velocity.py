"""Joint speeds for drivers that take nothing else: the command's own speed and a pull towards its position."""

import numpy as np

from segue_control.hardware.motion import Motion
from segue_core.arrays import Floats

_LEASH_RAD = 0.1


def follow(motion: Motion, measured: Floats, gain_per_s: float, limit: Floats) -> Floats:
    """Speeds (n,) [rad/s], at most `limit` (n,): dq + gain (q - measured), or dq alone when that is the command.

    All joints are slowed by the same factor where one would be too fast, so that the path stays the path.
    """
    wanted = motion.dq if motion.by_speed else motion.dq + gain_per_s * (motion.q - measured)
    return np.asarray(wanted / max(1.0, float(np.max(np.abs(wanted) / limit))), dtype=np.float64)


def lead(q: Floats, dq: Floats, measured: Floats, seconds: float) -> Floats:
    """Where commanded speeds (n,) lead in one period from `q` (n,), for devices that take positions.

    On a leash: a joint that cannot follow is not wound up.
    """
    return np.clip(q + seconds * dq, measured - _LEASH_RAD, measured + _LEASH_RAD)
