"""In which order a policy with memory is told what was seen and what was executed.

    every 3 ticks, begun at tick 4
    tick        4        5   6   7               8   9   10
    executed    a4       a5  a6  a7              a8  a9  ...
    told        o4, ()           o7, (a4 a5 a6)          o10, (a7 a8 a9)

A request for tick o is answered by a memory that knows everything up to o and nothing later. So equal histories give
equal answers, in lockstep, on a recording and in a graph where messages come as they come.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segue_core.errors import ErrorCode, PolicyError

SeenT = TypeVar("SeenT")

_SPARE = 64
"""Observations, and twice as many commands, that may wait to be told; then the oldest are lost."""


@dataclass(frozen=True, eq=False)
class Glimpse(Generic[SeenT]):
    """What a memory is told at once: `seen` at `tick`, after `executed` (n, D), the commands since the one before.

    `corrected` says that some of them were not the run's: a person had the robot.
    """

    tick: int
    seen: SeenT
    executed: NDArray[np.float32]
    corrected: bool = False


class MemoryFeed(Generic[SeenT]):
    """Puts observations and commands in order. Pure; for one thread.

    Args:
        every: `PolicyInfo.observe_every`; 0 feeds nothing.
        dim: width D of a command.
    """

    def __init__(self, every: int, dim: int) -> None:
        self._every = every
        self._seen: dict[int, SeenT] = {}
        self._done: dict[int, NDArray[np.float32]] = {}
        self._foreign: set[int] = set()  # ticks whose command is another's
        self._last = np.zeros((0, dim), dtype=np.float32)  # the last command before `_told`, (0 or 1, D)
        self._first: int | None = None
        self._told: int | None = None
        self.lost = 0
        """Observations that were never told, because nobody asked for too long."""

    def begin(self, tick: int) -> None:
        """The policy was reset; the first thing that it is told is the observation of `tick`."""
        self._first, self._told, self._last = tick, None, self._last[:0]
        self._seen = {at: seen for at, seen in self._seen.items() if self.wants(at)}
        self._done = {at: row for at, row in self._done.items() if at >= tick}
        self._foreign.clear()

    def wants(self, tick: int) -> bool:
        """Whether the observation of `tick` is one that the policy is told of."""
        if not self._every or self._first is None or tick < self._first:
            return False
        return (tick - self._first) % self._every == 0 and (self._told is None or tick > self._told)

    def saw(self, tick: int, seen: SeenT) -> None:
        """An observation; one that is not wanted is ignored."""
        if not self.wants(tick):
            return
        self._seen[tick] = seen
        while len(self._seen) > _SPARE:
            del self._seen[min(self._seen)]
            self.lost += 1

    @property
    def begun(self) -> bool:
        """Whether there is a task to be told of."""
        return self._first is not None

    def did(self, tick: int, command: ArrayLike, foreign: bool = False) -> None:
        """What is executed in `tick`, (D,), whoever commands it. A tick without a command goes on with the last one."""
        if not self._every:
            return
        self._done[tick] = np.array(command, dtype=np.float32)
        if foreign:
            self._foreign.add(tick)
        if self._first is None:
            while len(self._done) > _SPARE:
                del self._done[min(self._done)]

    def check(self, tick: int) -> None:
        """Raises PolicyError (POLICY_OBSERVATION_MISSING) when the memory knows of later ticks than `tick`."""
        if self._told is not None and self._told > tick:
            text = f"the policy's memory is past tick {tick}: it was told of tick {self._told}"
            raise PolicyError(ErrorCode.POLICY_OBSERVATION_MISSING, text)

    def until(self, tick: int) -> list[Glimpse[SeenT]]:
        """What was not told yet of everything up to `tick`, in order."""
        return [self._glimpse(at) for at in sorted(self._seen) if at <= tick]

    def _glimpse(self, tick: int) -> Glimpse[SeenT]:
        rows, corrected = self._rows(tick), any(at < tick for at in self._foreign)
        self._foreign = {at for at in self._foreign if at >= tick}
        self._told = tick
        return Glimpse(tick, self._seen.pop(tick), rows, corrected)

    def _rows(self, tick: int) -> NDArray[np.float32]:
        """Commands since the last glimpse, before `tick`, (n, D); none before the first."""
        if self._told is None:
            return self._last[:0]
        rows = []
        for at in range(self._told, tick):
            if at in self._done:
                self._last = self._done.pop(at)[None]
            rows.append(self._last)
        return np.concatenate(rows) if rows else self._last[:0]
