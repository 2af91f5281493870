"""How long will the next answer take? (RTC: the largest of the last few delays, in ticks really consumed.)"""

from collections import deque


class DelayEstimator:
    """Maximum over a window that truly evicts: a spike is forgotten after `window` further measurements.

    Args:
        initial: estimate before anything was measured.
        window: measurements looked at.
        warmup: first measurements ignored (a first inference compiles, allocates and is many times slower).
    """

    def __init__(self, initial: int, window: int, warmup: int) -> None:
        self._initial = initial
        self._delays: deque[int] = deque(maxlen=window)
        self._to_skip = warmup

    def add(self, ticks: int) -> None:
        """Record one measured delay."""
        if self._to_skip > 0:
            self._to_skip -= 1
        else:
            self._delays.append(ticks)

    @property
    def value(self) -> int:
        """Expected delay [ticks]."""
        return max(self._delays, default=self._initial)
