"""Time in which this machine was not too busy: a node that is slow because others compute is told from a dead one.

wall    |----|####|####|--|####|------|        # somebody waited for a processor
calm    |----|         |--|    |------|
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_PRESSURE = Path("/proc/pressure/cpu")
BUSY_TIMES: Final = 10
"""How many times longer one waits on a busy machine than on a calm one."""


def stalled_s() -> float:
    """Seconds so far in which somebody on this machine waited for a processor; 0 where the kernel does not count."""
    try:
        some = _PRESSURE.read_text(encoding="ascii").splitlines()[0]
        return 1e-6 * int(some.rpartition("total=")[2])
    except (OSError, ValueError, IndexError):
        return 0.0


class Calm:
    """Patience with somebody on this machine: over after so many calm seconds, or `BUSY_TIMES` as many of any kind.

    Args:
        stalled: seconds that do not count, rising.
        clock: steady seconds.
    """

    def __init__(
        self,
        seconds: float,
        stalled: Callable[[], float] = stalled_s,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._stalled, self._clock = seconds, stalled, clock
        self._began_s, self._began_stalled_s = clock(), stalled()

    @property
    def waited_s(self) -> float:
        """Seconds since it began."""
        return self._clock() - self._began_s

    @property
    def over(self) -> bool:
        """Whether it has been waited for long enough."""
        calm_s = self.waited_s - (self._stalled() - self._began_stalled_s)
        return calm_s >= self._seconds or self.waited_s >= BUSY_TIMES * self._seconds
