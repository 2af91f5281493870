"""Counts late cycles of a control loop. No clock of its own: it is told the time."""

from dataclasses import dataclass

_LATE = 1.5  # a cycle is late when this many periods passed since the one before


@dataclass
class LoopWatch:
    """How punctual a loop with `period_ns` is; `overruns` counts the cycles that were due and did not run."""

    period_ns: int
    overruns: int = 0
    last_ns: int | None = None

    def cycle(self, now_ns: int) -> int:
        """Notes that a cycle runs now; returns by how much it is late [ns], 0 when it is not.

        Negative when the clock went backwards, as it does when a simulation is reset; counting then begins
        anew.
        """
        elapsed = self.period_ns if self.last_ns is None else now_ns - self.last_ns
        self.last_ns = now_ns
        if elapsed < 0:
            return elapsed
        if elapsed < _LATE * self.period_ns:
            return 0
        self.overruns += round(elapsed / self.period_ns) - 1
        return elapsed - self.period_ns
