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

_LATE_NS = 10 * 10**9  # nothing is sent again for so long: a wall clock that was set back is followed


class Receipts:
    """Of one subscription: no message was received before the message before it."""

    def __init__(self) -> None:
        self._latest = 0

    def at(self, info: Mapping[str, Any]) -> int:
        """Wall time [ns] of the next message's receipt, from what the middleware tells of it."""
        came = int(info["received_timestamp"]) or time.time_ns()
        self._latest = self._latest if 0 < self._latest - came < _LATE_NS else came
        return self._latest
