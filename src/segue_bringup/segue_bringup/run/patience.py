"""Patience with processes: of one that works there is more than of one that does nothing."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Final

from segue_bringup.supervision.work import Work

WORKING_TIMES: Final = 10
"""How many times longer one waits while there is work than while there is none."""


class Patience:
    """Seconds that pass while one waits for processes; call `look` about ten times a second.

    A machine that does ten things at once starts a graph ten times more slowly, and nothing is wrong with it: what
    counts is time in which none of the processes ran or was in the queue for a processor, this one included.

    Args:
        pids: process ids by name, at any moment; who is in a process without one is taken to do nothing.
        clock: steady seconds.
    """

    def __init__(
        self, pids: Callable[[], Mapping[str, int]] = dict, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pids, self._clock = pids, clock
        self._own, self._works = Work(os.getpid()), dict[int, Work]()
        self._began_s = self._looked_s = clock()
        self.idle_s = 0.0

    def begin(self) -> None:
        """Something came further: all patience is there again."""
        self._began_s, self.idle_s = self._clock(), 0.0

    def look(self, *names: str) -> None:
        """Count the time since the last look, in which these were waited for."""
        now_s = self._clock()
        pids = self._pids()
        waited_for = {pids[name] for name in names if name in pids}
        self._works = {pid: self._works.get(pid) or Work(pid) for pid in waited_for}
        worked_s = max(work.since_last_s() for work in (self._own, *self._works.values()))
        self.idle_s += max(0.0, now_s - self._looked_s - worked_s)
        self._looked_s = now_s

    def over(self, seconds: float) -> bool:
        """Whether so many seconds passed without work, or `WORKING_TIMES` as many with it."""
        return self.idle_s > seconds or self.waited_s > WORKING_TIMES * seconds

    @property
    def waited_s(self) -> float:
        """Seconds since something came further."""
        return self._clock() - self._began_s

    def spent(self) -> str:
        """For an error text: how the time was spent."""
        return f"waited {self.waited_s:.0f} s, of which it did nothing for {self.idle_s:.0f} s"
