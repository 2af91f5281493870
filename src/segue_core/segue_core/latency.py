"""How many ticks an answer takes by construction, in lockstep and on top of a real policy node.

    request o        o + inference       o + ticks
            |--------------|  held back  |  delivered

In lockstep it is the whole delay, so a slow machine gives the same episode; or (`measured`) it is what the inference
took, so that the world goes on while a policy thinks.
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

    def part_ticks(self, sequence: int, expected: int, rows: int, of: int, took_s: float) -> int:
        """Ticks until so many `rows` of the answer's are there, after computing for `took_s` [s]."""
        ...


class _ByRows:
    """Of a stream each part is there after the share of the whole delay that its rows are of all rows."""

    def part_ticks(self: Latency, sequence: int, expected: int, rows: int, of: int, took_s: float) -> int:
        """As the rows say, whatever the inference took."""
        return share(self.ticks(sequence, expected), rows, of)


@dataclass(frozen=True)
class Constructed(_ByRows):
    """The planned delay exactly, as in Legato's App. B."""

    def ticks(self, sequence: int, expected: int) -> int:
        """`expected`."""
        return expected


@dataclass(frozen=True)
class Uniform(_ByRows):
    """Independent draws from low..high inclusive; the n-th answer of a seed always takes the same time."""

    low: int
    high: int
    seed: int = 0

    def ticks(self, sequence: int, expected: int) -> int:
        """A draw that depends on the seed and the sequence number only."""
        generator = np.random.default_rng([self.seed, sequence])
        return int(generator.integers(self.low, self.high, endpoint=True))


@dataclass(frozen=True)
class Measured:
    """What computing took, on this machine and beside whatever else it does, as ticks at `rate_hz`."""

    rate_hz: float

    def ticks(self, sequence: int, expected: int) -> int:
        """`expected`, as long as nothing was measured."""
        return expected

    def part_ticks(self, sequence: int, expected: int, rows: int, of: int, took_s: float) -> int:
        """The ticks that have begun since the request."""
        return math.ceil(took_s * self.rate_hz)


def parse_latency(text: str, seed: int, rate_hz: float | None = None) -> Latency:
    """`planned`, a number of ticks, `LOW:HIGH`, or where time is lockstep's (`rate_hz`) `measured`.

    Raises:
        ConfigError: anything else.
    """
    if text == "planned":
        return Constructed()
    if text == "measured" and rate_hz is not None:
        return Measured(rate_hz)
    first, colon, last = text.partition(":")
    if first.isdecimal() and (last.isdecimal() or not colon):
        low, high = int(first), int(last if colon else first)
        if low <= high:
            return Uniform(low, high, seed)
    expected = f"planned, {'measured, ' if rate_hz else ''}TICKS or LOW:HIGH (ticks)"
    raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "latency", got=repr(text), expected=expected)


def share(wait: int, rows: int, of: int) -> int:
    """Ticks, at least one, after which the first `rows` rows are there when all of them take `wait` ticks."""
    return max(1, math.ceil(wait * rows / max(1, of)))


def injected_latency(text: str, seed: int) -> Latency | None:
    """Latency to deliver answers with; None for `measured`.

    Raises:
        ConfigError: not `measured`, `planned`, TICKS or LOW:HIGH.
    """
    return None if text == "measured" else parse_latency(text, seed)
