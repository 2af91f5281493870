"""Time kept by the node: the tick counter and who is there. Pure; the caller brings the time."""

from dataclasses import dataclass, field

from segue_core.errors import ErrorCode, SchedulerError

_FASTEST = 10.0  # a simulation, times real time
_LEAP_S = 2.0  # that a clock may be ahead of that


@dataclass
class TickWatch:
    """Notices new ticks, those that were skipped under load, and how evenly they come.

    Args:
        last: the last tick seen, None before the first.
        skipped: ticks that were never seen because time ran past them.
        longest_s: longest pause between two ticks on the steady clock [s].
    """

    last: int | None = None
    skipped: int = 0
    longest_s: float = 0.0
    _seen_s: float | None = field(default=None, repr=False)
    _began: tuple[int, float] | None = field(default=None, repr=False)  # tick and steady time
    _stood_s: float | None = field(default=None, repr=False)  # since when the world is paused

    def advance(self, tick: int, now_s: float) -> bool:
        """Whether `tick` is a new one; a tick before the last (a clock set back) starts the count anew."""
        if tick == self.last:
            return False
        if self.last is not None and tick > self.last:
            self.skipped += tick - self.last - 1
            self.longest_s = max(
                self.longest_s, now_s - (self._seen_s if self._seen_s is not None else now_s)
            )
        if self._began is None or (self.last is not None and tick < self.last):
            self._began = tick, now_s
        self.last, self._seen_s = tick, now_s
        return True

    def stand(self, standing: bool, now_s: float) -> None:
        """The world is paused, or goes on: what passes on the steady clock meanwhile makes nobody slow."""
        if self._stood_s is not None:
            pause_s = now_s - self._stood_s
            self._seen_s = None if self._seen_s is None else self._seen_s + pause_s
            self._began = self._began and (self._began[0], self._began[1] + pause_s)
        self._stood_s = now_s if standing else None

    def speed(self, rate_hz: float) -> float | None:
        """Seconds of the run's clock per second of the steady clock; None before there is anything to tell it by."""
        if self._began is None or self.last is None or self._seen_s is None or self._seen_s <= self._began[1]:
            return None
        return (self.last - self._began[0]) / rate_hz / (self._seen_s - self._began[1])

    def restart(self) -> None:
        """A new run begins; the tick at hand is its first, though it passed before."""
        self.last, self.skipped, self.longest_s, self._began = None, 0, 0.0, None


@dataclass
class ClockWatch:
    """Notices a clock that leaps: no time limit holds on it, and no task has failed by it.

    Args:
        rate_hz: ticks per second of the clock.
    """

    rate_hz: float
    _last: tuple[int, float] | None = field(default=None, repr=False)  # tick and steady time

    def see(self, tick: int, now_s: float) -> None:
        """It is `tick` at `now_s` of the steady clock.

        Raises:
            SchedulerError: 108, more time passed than can have since the last call.
        """
        (last, last_s), self._last = self._last or (tick, now_s), (tick, now_s)
        passed_s, most_s = (tick - last) / self.rate_hz, _LEAP_S + _FASTEST * (now_s - last_s)
        if passed_s > most_s:
            raise SchedulerError(
                ErrorCode.SCHEDULER_TICK_ORDER,
                "the clock leapt ahead",
                got=f"{passed_s:.1f} s within {now_s - last_s:.1f} s",
                expected=f"at most {most_s:.1f} s",
                do="see who else tells the time (ros2 topic info -v /clock), end it and start a new run",
            )


@dataclass
class Presence:
    """Whether somebody is there of whom others tell. Who was never heard of is not missed.

    Args:
        patience_s: how long somebody who was lost may come back before they are gone.
    """

    patience_s: float
    _lost_s: float | None = field(default=None, repr=False)

    @property
    def lost(self) -> bool:
        """Whether they are not there now."""
        return self._lost_s is not None

    def tell(self, there: bool, now_s: float) -> None:
        """They are there, or not."""
        self._lost_s = None if there else now_s if self._lost_s is None else self._lost_s

    def gone(self, now_s: float) -> bool:
        """Whether they were lost and have not come back in time."""
        return self._lost_s is not None and now_s - self._lost_s >= self.patience_s

    def unsure(self, now_s: float) -> bool:
        """Whether they were lost and may come back."""
        return self.lost and not self.gone(now_s)
