"""Temporal ensembling (ACT, arXiv 2304.13705): execute the mean of all chunks that predict the tick.

    tick       n    n+1  n+2  n+3  n+4  n+5
    chunk 0    x    x    x    x                    weight e^0      the oldest
    chunk 1         x    x    x    x               weight e^-m
    chunk 2              x    x    x    x          weight e^-2m
    covered by 1    2    3    3    2    1

The weights are exp(-m i), i = 0 for the oldest chunk that covers the tick. A tick only ever gains chunks, newest
last, so the mean is kept up to date in place: with n chunks behind a row, the next one enters with the share

    e^(-m n) / (e^0 + e^-m + ... + e^(-m n))  =  1 / (e^0 + e^m + ... + e^(m n))

No past chunk is stored, and a row is covered because it exists, never because it is different from zero.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_scheduler.continuation.base import Continuation, Mixing


class TemporalEnsembleOptions(StrictModel):
    """How fast the weight falls with every newer chunk, and what becomes of grippers."""

    m: float = Field(
        default=0.01,
        ge=-0.5,
        le=0.5,
        description="decay of the weights; below 0 the newest chunk weighs most",
    )
    grippers: Literal["latest", "average"] = Field(
        default="latest",
        description="latest: as the newest chunk says; average: the mean of all, as ACT's authors have it",
    )


class TemporalEnsemble(Mixing):
    """Plain sampling; the smaller the stride, the more chunks are averaged."""

    name = "temporal_ensemble"

    def __init__(self, options: Mapping[str, Any]) -> None:
        chosen = self.parse(options, TemporalEnsembleOptions)
        self._decay, self.average_grippers = chosen.m, chosen.grippers == "average"
        self.reset()

    def reset(self) -> None:
        """No row has a chunk behind it."""
        self._counts = np.zeros(
            0, dtype=np.int64
        )  # chunks behind each row left, the last entry for the last row

    def shares(self, old: int, new: int) -> NDArray[np.float64]:
        """Share of a chunk that joins those already averaged, (min(old, new),) in [0, 1]."""
        both = min(old, new)
        behind = self._counts[len(self._counts) - old :][:both]
        self._counts = np.concatenate([behind + 1, np.ones(new - both, dtype=np.int64)])
        sums = np.cumsum(np.exp(self._decay * np.arange(behind.max(initial=0) + 1)))
        share: NDArray[np.float64] = 1.0 / sums[behind]
        return share


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return TemporalEnsemble(options)
