"""How many ticks an answer takes by construction, in lockstep and on top of a real policy node.

    request o        o + inference       o + ticks
            |--------------|  held back  |  delivered

In lockstep it is the whole delay, so a slow machine gives the same episode.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from segue_core.errors import ConfigError, ErrorCode


class Latency(Protocol):
    """Delivery delay of answers [ticks]."""

    def ticks(self, sequence: int, expected: int) -> int:
        """Ticks from the request to its answer; `expected` is the delay that the scheduler planned with."""
        ...


@dataclass(frozen=True)
class Constructed:
    """The planned delay exactly, as in Legato's App. B."""

    def ticks(self, sequence: int, expected: int) -> int:
        """`expected`."""
        return expected


@dataclass(frozen=True)
class Uniform:
    """Independent draws from low..high inclusive; the n-th answer of a seed always takes the same time."""

    low: int
    high: int
    seed: int = 0

    def ticks(self, sequence: int, expected: int) -> int:
        """A draw that depends on the seed and the sequence number only."""
        generator = np.random.default_rng([self.seed, sequence])
        return int(generator.integers(self.low, self.high, endpoint=True))


def parse_latency(text: str, seed: int) -> Latency:
    """`planned`, a number of ticks, or `LOW:HIGH`. Raises ConfigError for anything else."""
    if text == "planned":
        return Constructed()
    first, colon, last = text.partition(":")
    if first.isdecimal() and (last.isdecimal() or not colon):
        low, high = int(first), int(last if colon else first)
        if low <= high:
            return Uniform(low, high, seed)
    expected = "planned, TICKS or LOW:HIGH (ticks)"
    raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "latency", got=repr(text), expected=expected)


def share(wait: int, rows: int, of: int) -> int:
    """Ticks, at least one, after which the first `rows` rows are there when all of them take `wait` ticks."""
    return max(1, math.ceil(wait * rows / max(1, of)))
