"""Messages per second of every topic, from counters that only grow."""

from __future__ import annotations

from collections.abc import Mapping


class Rates:
    """Call `of` about once a second; rates are over the time since the call before."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._at_s: float | None = None

    def of(self, counts: Mapping[str, int], now_s: float) -> dict[str, float]:
        """Rate of every topic [Hz] that ever had a message; the first call gives none.

        Args:
            counts: messages so far, by topic.
            now_s: steady clock [s].
        """
        span = 0.0 if self._at_s is None else now_s - self._at_s
        rates = {
            topic: round((count - self._counts.get(topic, 0)) / span, 1)
            for topic, count in counts.items()
            if span > 0
        }
        self._counts, self._at_s = dict(counts), now_s
        return rates
