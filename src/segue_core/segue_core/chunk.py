"""A chunk: the actions that one inference proposes.

row    0            1            ...  H-1
tick   start_tick   start_tick+1 ...  start_tick+H-1
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_core.errors import ErrorCode, SchedulerError


@dataclass(frozen=True, eq=False)
class ActionChunk:
    """Row i is the action for tick `start_tick + i`; the arrays are read-only copies.

    Values are not checked here, so that whoever executes a chunk can refuse and count a bad one.

    Args:
        actions: (H, D) float32, in the units of the action space.
        start_tick: tick of the observation that the chunk was predicted from.
        source: the policy instance that answered; with `sequence` it identifies the chunk.
        sequence: number of the request that this chunk answers.
        progress: predicted task progress in [0, 1], if the policy has it.
        stop: the policy says that the task is over.
        omega: (H,) guidance that was really applied, if any; of a longer one the rows that there are.
        complete: whether these are all rows of the answer; of a stream, each part has the rows that are final so far.
    """

    actions: NDArray[np.float32]
    start_tick: int
    source: str
    sequence: int
    progress: float | None = None
    stop: bool = False
    omega: NDArray[np.float32] | None = None
    complete: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "actions", _frozen(self.actions, 2, "actions (H, D)"))
        if self.omega is not None:
            omega = _frozen(self.omega, 1, "omega (H,)")[: self.horizon]
            if len(omega) < self.horizon:
                text, expected = "chunk omega", f"({self.horizon},), one for each row"
                raise SchedulerError(ErrorCode.CHUNK_WRONG_SHAPE, text, got=omega.shape, expected=expected)
            object.__setattr__(self, "omega", omega)

    @property
    def horizon(self) -> int:
        """Number of rows H."""
        return int(self.actions.shape[0])

    @property
    def end_tick(self) -> int:
        """First tick that the chunk says nothing about."""
        return self.start_tick + self.horizon


def _frozen(values: NDArray[np.float32], ndim: int, what: str) -> NDArray[np.float32]:
    array = np.array(values, dtype=np.float32)
    if array.ndim != ndim:
        raise SchedulerError(
            ErrorCode.CHUNK_WRONG_SHAPE, f"chunk {what}", got=array.shape, expected=f"{ndim} axes"
        )
    array.setflags(write=False)
    return array
