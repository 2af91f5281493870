"""The newest observations by tick, for requests that name a tick. Pure."""

from typing import Generic, TypeVar

MessageT = TypeVar("MessageT")


class Ring(Generic[MessageT]):
    """Keeps the last `capacity` messages by tick.

    ticks kept    ... 17 18 20 21        (19 was never seen)
    ask for 20 -> message;  25 -> not yet;  19 or 3 -> never
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: dict[int, MessageT] = {}

    def add(self, tick: int, message: MessageT) -> None:
        """Keep a message. A tick far before the newest means that time was set back: what was kept is forgotten."""
        if self._kept and tick < max(self._kept) - self._capacity:
            self._kept.clear()
        self._kept[tick] = message
        while len(self._kept) > self._capacity:
            del self._kept[min(self._kept)]

    def get(self, tick: int) -> MessageT | None:
        """The message of `tick`, if it is there."""
        return self._kept.get(tick)

    def passed(self, tick: int) -> bool:
        """Whether newer ticks than `tick` were seen, so that it will not come any more."""
        return bool(self._kept) and max(self._kept) > tick

    def describe(self) -> str:
        """The ticks that are there, for errors."""
        return f"ticks {min(self._kept)} to {max(self._kept)}" if self._kept else "none"
