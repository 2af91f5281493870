"""When the messages of a subscription were received, in the order in which they are handed over.

    sent              a     b     c
    received          a           c  b        b was lost and sent again
    handed over       a              b c      in the order of sending: c was kept, and nobody had it before

What the middleware tells of a message is when it came to this machine. In the order of handing over that may go back,
also where two publishers share a topic, whose messages are handed over by when they were sent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

_LATE_NS = 10_000_000_000  # nothing is sent again for so long


class Onward:
    """Times [ns] of which none is before the one before it, unless a clock was set back, by `far_ns` or more."""

    def __init__(self, far_ns: int = 1_000_000_000) -> None:
        self._latest, self._far_ns = 0, far_ns

    def after(self, time_ns: int) -> int:
        """The next time."""
        self._latest = self._latest if 0 < self._latest - time_ns < self._far_ns else time_ns
        return self._latest


class Receipts(Onward):
    """Of one subscription: no message was received before the message before it."""

    def __init__(self) -> None:
        super().__init__(_LATE_NS)

    def at(self, info: Mapping[str, Any]) -> int:
        """Wall time [ns] of the next message's receipt, from what the middleware tells of it."""
        return self.after(int(info["received_timestamp"]) or time.time_ns())
