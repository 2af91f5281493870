"""Judges whether a stream of messages is still alive, by when they were received and never by their stamps."""

from dataclasses import dataclass

SILENCE_S = (
    1.0  # a stream without a message for this long on the steady clock is stale whatever else happened
)


@dataclass
class Watchdog:
    """One stream. Its age is counted in control cycles, with the steady clock as backstop.

    A cycle is when a stale command would do harm. When the whole machine or the simulation stands still, no cycle
    passes and nothing is commanded, so the stream is not accused of what the machine did. When only the stream
    fails, cycles pass in real time and the timeout is kept to one period.
    """

    timeout_s: float
    period_s: float
    silence_s: float = SILENCE_S
    cycles: int = 0
    fed_ns: int | None = None

    def clear(self) -> None:
        """Expects nothing until the next message."""
        self.cycles, self.fed_ns = 0, None

    def feed(self, now_ns: int) -> None:
        """A message was received at `now_ns` (steady)."""
        self.cycles, self.fed_ns = 0, now_ns

    def stand(self, now_ns: int) -> None:
        """Time stands still at `now_ns` (steady): silence until now is nobody's fault; the cycles that passed count."""
        self.fed_ns = None if self.fed_ns is None else now_ns

    def cycle(self) -> None:
        """A control cycle begins."""
        self.cycles += 1

    def age_s(self, now_ns: int) -> float:
        """Steady time since the last message [s]; -1 before the first."""
        return -1.0 if self.fed_ns is None else (now_ns - self.fed_ns) * 1e-9

    def silent_for_s(self, now_ns: int) -> float:
        """The longer of the two ways to see it [s]: the cycles since the last message, and its age."""
        return max(self.cycles * self.period_s, self.age_s(now_ns))

    def stale(self, now_ns: int) -> bool:
        """Whether messages that once came have stopped."""
        return self.fed_ns is not None and (
            self.cycles * self.period_s > self.timeout_s
            or self.age_s(now_ns) > max(self.silence_s, self.timeout_s)
        )
