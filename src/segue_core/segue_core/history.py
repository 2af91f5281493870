"""Which observations a policy is shown: the newest, and earlier ones at offsets that it declares.

history                (FIRST, -2, 0), of a task whose first observation is that of tick 5
asked for tick 9       ticks 5  7  9
asked for tick 6       ticks 5  5  6         before the first observation there is only the first
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BeforeValidator, Field

from segue_core.errors import ConfigError, ErrorCode, PolicyError

SeenT = TypeVar("SeenT")

FIRST = -(2**31)
"""Offset of the first observation of a task: it reaches back before anything."""

MAX_OBSERVATIONS = 16
MAX_LOOKBACK = 300
"""Bounds of a history [observations, ticks]: far above any policy, far below what a node could not hold in memory."""


def _offset(value: Any) -> Any:
    return FIRST if value == "first" else value


Offsets = Annotated[tuple[Annotated[int, BeforeValidator(_offset)], ...], Field(min_length=1)]
"""A history in a file: offsets, or the word "first"."""


def check_history(offsets: Sequence[int], what: str) -> None:
    """Raises ConfigError unless `offsets` [ticks] rise to 0 within their bounds; the lowest may be `FIRST`."""
    rising = all(earlier < later for earlier, later in pairwise(offsets))
    bounded = all(offset == FIRST or -MAX_LOOKBACK <= offset <= 0 for offset in offsets)
    if not (offsets and offsets[-1] == 0 and rising and bounded and len(offsets) <= MAX_OBSERVATIONS):
        expected = (
            f"1 to {MAX_OBSERVATIONS} rising offsets of -{MAX_LOOKBACK} to 0 ticks, the last one 0, the lowest may be "
            "first"
        )
        got = f"({', '.join('first' if offset == FIRST else str(offset) for offset in offsets)})"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, what, got=got, expected=expected)


def lookback(offsets: Sequence[int]) -> int:
    """Ticks before a request whose observations must be at hand, besides the task's first."""
    return -min(offset for offset in offsets if offset != FIRST)


def ticks_shown(offsets: Sequence[int], first: int, tick: int) -> tuple[int, ...]:
    """Ticks of the observations for a request for `tick`, in a task whose first observation is that of `first`."""
    return tuple(max(first, tick + offset) for offset in offsets)


class History(Generic[SeenT]):
    """Keeps what a policy may be shown, by tick: the last `spare` + its lookback, and the first of the task.

    ticks kept    5 ... 17 18 20 21        (19 was never seen)
    ask for 20 -> there;  25 -> not yet;  19 or 3 -> never
    """

    def __init__(self, offsets: Sequence[int], spare: int = 1) -> None:
        self._offsets, self._capacity = tuple(offsets), spare + lookback(offsets)
        self._kept: dict[int, SeenT] = {}
        self._first: tuple[int, SeenT] | None = None

    def begin(self) -> None:
        """A task begins: its first observation is that of the next tick asked for."""
        self._first = None

    def add(self, tick: int, seen: SeenT) -> None:
        """Keep one. A tick far before the newest means that time was set back: what was kept is forgotten."""
        if self._kept and tick < max(self._kept) - self._capacity:
            self._kept.clear()
            self._first = None
        self._kept[tick] = seen
        while len(self._kept) > self._capacity:
            del self._kept[min(self._kept)]

    def get(self, tick: int) -> SeenT | None:
        """That of `tick`, if it is there."""
        if self._first is not None and tick == self._first[0]:
            return self._first[1]
        return self._kept.get(tick)

    def since(self, tick: int) -> list[tuple[int, SeenT]]:
        """Those of `tick` and later, in order, with their ticks."""
        return [(at, self._kept[at]) for at in sorted(self._kept) if at >= tick]

    def passed(self, tick: int) -> bool:
        """Whether newer ticks than `tick` were seen, so that it will not come any more."""
        return bool(self._kept) and max(self._kept) > tick

    def shown(self, tick: int) -> list[SeenT]:
        """What a request for `tick` is shown, oldest first.

        Raises:
            PolicyError: POLICY_OBSERVATION_MISSING, one of them was never seen.
        """
        if self._first is None and (seen := self._kept.get(tick)) is not None:
            self._first = tick, seen
        asked = ticks_shown(self._offsets, self._first[0] if self._first else tick, tick)
        there = {at: seen for at in asked if (seen := self.get(at)) is not None}
        if missing := [str(at) for at in dict.fromkeys(asked) if at not in there]:
            text = f"no observation for tick {', '.join(missing)}"
            raise PolicyError(ErrorCode.POLICY_OBSERVATION_MISSING, text, got=self.describe())
        return [there[at] for at in asked]

    def describe(self) -> str:
        """The ticks that are there, for errors."""
        return f"ticks {min(self._kept)} to {max(self._kept)}" if self._kept else "none"
