"""Rows of a move on their way: one per tick, the last one again and again until the arms are there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass
class RowStream:
    """`rows` (R, D) under the run id of one move; `tick` counts those that were sent."""

    run_id: str
    rows: NDArray[np.float64]
    tick: int = 0

    def next(self) -> tuple[int, NDArray[np.float64]]:
        """Number and row (D,) of the next tick."""
        number, row = self.tick, self.rows[min(self.tick, len(self.rows) - 1)]
        self.tick += 1
        return number, row
