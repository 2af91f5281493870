"""In simulation no command has to be late: the first cycle of a tick waits for the tick's command. Pure.

cycle      |   |   |   |   |   |   |   |         (120 Hz; the simulated clock stands while one waits)
tick       k               k+1
command     k               k+1                  the cycle at k waits for k, the other three find it there
"""

from dataclasses import dataclass, field


@dataclass
class TickGate:
    """Says whether a cycle may run yet. Waits for nobody before the first command, nor once patience is over.

    Args:
        patience_ns: how long a cycle waits for its command [ns of the steady clock]; then it runs without, as on a
            real robot, and the watchdogs judge the silence.
    """

    patience_ns: int
    gave_up: int = 0  # how often patience was over
    _newest: int | None = field(
        default=None, repr=False
    )  # tick of the newest command; None while nobody commands
    _since_ns: int | None = field(default=None, repr=False)  # since when a cycle waits

    def command(self, tick: int) -> None:
        """The command of `tick`, on the robot's clock, has come."""
        self._newest, self._since_ns = tick, None

    def release(self) -> None:
        """Nobody commands any more: wait for nothing until somebody does."""
        self._newest = self._since_ns = None

    def is_open(self, tick: int, now_ns: int) -> bool:
        """Whether a cycle of `tick` may run at `now_ns` (steady)."""
        if self._newest is None or tick <= self._newest:
            self._since_ns = None
            return True
        self._since_ns = now_ns if self._since_ns is None else self._since_ns
        if now_ns - self._since_ns < self.patience_ns:
            return False
        self.gave_up += 1
        self.release()
        return True
