"""What the controllers exchange with the world below them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class JointCommand:
    """Targets for one update: `q` (n,) arm joints [rad], `grippers` (A,) openings, 0 closed to 1 open."""

    q: NDArray[np.float64]
    grippers: NDArray[np.float64]
