"""What the controllers exchange with the world below them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class JointCommand:
    """Targets for one update, each checked by the guard.

    Attributes:
        q: arm joints (n,) [rad]: what to go to, or, beside velocities and torques, where the motion belongs.
        grippers: openings (A,), 0 closed to 1 open.
        velocities: (n,) [rad/s] for a robot that is told velocities, else None.
        efforts: (n,) [N m] for a robot that is told torques, else None.
    """

    q: NDArray[np.float64]
    grippers: NDArray[np.float64]
    velocities: NDArray[np.float64] | None = None
    efforts: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class MeasuredJoints:
    """What the joints do, arm after arm: `q` (n,) [rad], `v` (n,) [rad/s]."""

    q: NDArray[np.float64]
    v: NDArray[np.float64]
