"""In simulation nothing has to be late: a step of a tick waits for what the tick needs. Pure; time is an argument.

The controller's first cycle of a tick waits for the tick's command, and so holds the simulated clock:

    cycle      |   |   |   |   |   |   |   |         (120 Hz; the clock stands while one waits)
    tick       k               k+1
    command     k               k+1                  the cycle at k waits for k, the other three find it there

The scheduler's step at a tick waits in the same way for the observation of some ticks before.
"""

from dataclasses import dataclass, field


@dataclass
class TickGate:
    """Says whether a step may be done yet. Waits for nobody before the first arrival, nor once patience is over.

    Args:
        patience_ns: how long a step waits [ns of the steady clock]; then it is done without, as on a real robot, and
            the watchdogs judge the silence.
        insists: once patience is over the next step waits as long again; otherwise none does until the next arrival.
    """

    patience_ns: int
    insists: bool = False
    gave_up: int = 0  # how often patience was over
    _newest: int | None = field(
        default=None, repr=False
    )  # the last tick that may be stepped; None: all of them
    _since_ns: int | None = field(default=None, repr=False)  # since when a step waits

    def arrived(self, tick: int) -> None:
        """What the steps up to `tick` need has come."""
        self._newest, self._since_ns = tick, None

    def release(self) -> None:
        """Nobody sends any more: wait for nothing until somebody does."""
        self._newest = self._since_ns = None

    def is_open(self, tick: int, now_ns: int) -> bool:
        """Whether a step of `tick` may be done at `now_ns` (steady)."""
        if self._newest is None or tick <= self._newest:
            self._since_ns = None
            return True
        self._since_ns = now_ns if self._since_ns is None else self._since_ns
        if now_ns - self._since_ns < self.patience_ns:
            return False
        self.gave_up += 1
        self.release()
        if self.insists:
            self.arrived(tick)
        return True
