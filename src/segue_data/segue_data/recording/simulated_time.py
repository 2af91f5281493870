"""What time it was on the simulated clock when a message was received.

    /clock            1.000          1.033          1.066          told once per tick, or more often
    wall time   ------|----x---------|--------------|----------
                            1.000 and what the wall clock made since, at most a step of the clock

A recording of a simulated run is logged in simulated time, as by `ros2 bag record --use-sim-time`, but finer than the
clock's steps: it plays as smoothly as the run went. Pure.
"""

from __future__ import annotations

from collections import deque

_SET_BACK_NS = 10_000_000_000  # no message is handed over so late: its wall clock was set back
_KEPT = 2000  # words of the clock: two seconds of a clock at 1 kHz, so messages may be handed over that much later


class SimulatedTime:
    """Fed with the clock's words, asked in any order.

    What came later has no earlier time, unless the clock goes back or begins to make smaller steps.
    """

    def __init__(self) -> None:
        self._words: deque[tuple[int, int]] = deque(maxlen=_KEPT)  # wall time and simulated time [ns]
        self._step_ns = 0  # the smallest, so that no time is later than the clock's next word

    @property
    def begun(self) -> bool:
        """Whether the clock was heard of."""
        return bool(self._words)

    def hear(self, wall_ns: int, clock_ns: int) -> None:
        """The clock said `clock_ns`; the word came at `wall_ns`."""
        if self._is_set_back(wall_ns):
            self._words.clear()
        if self._words and (step := clock_ns - self._words[-1][1]) > 0:
            self._step_ns = min(step, self._step_ns or step)
        self._words.append((wall_ns, clock_ns))

    def at(self, wall_ns: int) -> int:
        """Simulated time [ns] of a message that came at `wall_ns`; before the first word, the first word's."""
        if self._is_set_back(wall_ns):
            return self._words[-1][1]
        following: int | None = None
        for heard_ns, clock_ns in reversed(self._words):
            if heard_ns <= wall_ns:
                limit = self._step_ns if following is None else max(0, following - clock_ns)
                return clock_ns + min(wall_ns - heard_ns, limit)
            following = clock_ns
        return following or 0

    def _is_set_back(self, wall_ns: int) -> bool:
        return bool(self._words) and wall_ns < self._words[-1][0] - _SET_BACK_NS
