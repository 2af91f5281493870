"""The rows that will be executed, by tick."""

import numpy as np
from numpy.typing import ArrayLike

from segue_core.arrays import Floats
from segue_core.chunk import ActionChunk
from segue_core.errors import ErrorCode, SchedulerError


class Timeline:
    """Actions (D,) for consecutive ticks. Holds copies; not thread safe.

    tick   first_tick ... now ... end_tick - 1 | end_tick
    row    r0         ... ri  ... r(n-1)       | nothing left: starvation
    """

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._first_tick = 0
        self._rows: Floats = np.empty((0, dim))

    @property
    def end_tick(self) -> int:
        """First tick without an action (when the timeline is empty it says nothing about any tick)."""
        return self._first_tick + len(self._rows)

    def clear(self) -> None:
        """Forget everything."""
        self._rows = np.empty((0, self._dim))

    def action_at(self, tick: int) -> Floats | None:
        """The action (D,) for `tick`, a copy, or None when there is none."""
        index = tick - self._first_tick
        return self._rows[index].copy() if 0 <= index < len(self._rows) else None

    def remaining(self, tick: int) -> int:
        """Number of rows for `tick` and later."""
        return min(max(self.end_tick - tick, 0), len(self._rows))

    def rows_from(self, tick: int) -> Floats:
        """Copy of the rows (n, D) for `tick` and later (all rows when `tick` is before the first)."""
        rows: Floats = self._rows[max(tick - self._first_tick, 0) :].copy()
        return rows

    def splice(self, chunk: ActionChunk, now: int) -> int:
        """Continue with `chunk` from tick `now` on; returns the rows dropped because their tick is past.

        A chunk that started 3 ticks ago (c0 c1 c2 are in the past) replaces everything that is left:

            tick        o    .    .   now   .    .    .    .
            old         a0   a1   a2   a3   a4   a5
            chunk       c0   c1   c2   c3   c4   c5   c6   c7
            executed    a0   a1   a2   c3   c4   c5   c6   c7

        A chunk that is wholly past changes nothing.

        Raises:
            SchedulerError: CHUNK_WRONG_START when the chunk only starts after `now`.
        """
        if chunk.start_tick > now:
            got, expected = f"start tick {chunk.start_tick}", f"at most {now}"
            raise SchedulerError(ErrorCode.CHUNK_WRONG_START, "future chunk", got=got, expected=expected)
        dropped = min(now - chunk.start_tick, chunk.horizon)
        if dropped < chunk.horizon:
            self.replace(chunk.actions[dropped:], now)
        return dropped

    def extend(self, rows: ArrayLike, now: int) -> None:
        """Execute `rows` (n, D) behind what is left at tick `now`; from `now` on where nothing is left."""
        left = self.rows_from(now) if self.remaining(now) else np.empty((0, self._dim))
        self.replace(np.concatenate([left, _rows(rows, self._dim)]), now)

    def replace(self, rows: ArrayLike, now: int) -> None:
        """Execute `rows` (n, D), row 0 at tick `now`, and nothing that was there before."""
        self._rows, self._first_tick = _rows(rows, self._dim), now


def _rows(rows: ArrayLike, dim: int) -> Floats:
    """A copy (n, dim)."""
    copied = np.array(rows, dtype=np.float64)
    if copied.ndim != 2 or copied.shape[1] != dim:
        raise SchedulerError(
            ErrorCode.CHUNK_WRONG_SHAPE, "timeline rows", got=copied.shape, expected=f"(n, {dim})"
        )
    return copied
