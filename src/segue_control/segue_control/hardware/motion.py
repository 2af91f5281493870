"""What a back end is asked to do with the actuators."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Motion:
    """Targets that passed every check: `q` (n,) [rad], its speed `dq` (n,) [rad/s], `grippers` (A,) in [0, 1].

    With `by_speed` the controller closes its loop over speeds: `dq` is the command, and `q` only where it leads.
    """

    q: Array
    dq: Array
    grippers: Array
    by_speed: bool = False
