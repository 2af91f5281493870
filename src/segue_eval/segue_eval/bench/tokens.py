"""What a token costs: streams of several lengths and widths, with kept keys and values and without, in one run.

picture -> first action -> ... -> last action
|--- streaming ----|                          when the first action can be executed
|---------------- not streaming -------------|  without it: when all are there
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np

WIDEST = 64
"""Beams, at most."""
_HEAD = f"{'H':>4} {'beams':>6} {'kept':>5} {'first action':>16} {'whole stream':>16} {'tokens/s':>9}"


class Streams(Protocol):
    """What a method gives to be timed (`Method.tokens`)."""

    actions: int
    tokens: int

    def decode(self, actions: int, beams: int, kept: bool) -> Iterator[object]:
        """From a picture to so many actions, each when it is final."""


@dataclass(frozen=True)
class TokenTiming:
    """Medians of one way to decode.

    Args:
        actions, beams, kept: H, beam width, whether keys and values are kept.
        first_s, whole_s: seconds of the processor to the first action and to the last.
        tokens_per_s: of the stream that is answered.
    """

    actions: int
    beams: int
    kept: bool
    first_s: float
    whole_s: float
    tokens_per_s: float


def bench_tokens(
    streams: Streams,
    lengths: Sequence[int],
    widths: Sequence[int],
    rounds: int,
    clock: Callable[[], float] = time.thread_time,
) -> list[TokenTiming]:
    """Timings of all ways, taking turns, after one round that is not counted."""
    ways = list(product(lengths, widths, (True, False)))
    seconds: dict[tuple[int, int, bool], list[tuple[float, float]]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way in ways if number % 2 else reversed(ways):
            took = _timed(streams.decode(*way), clock)
            if number:
                seconds[way].append(took)
    return [_summary(way, took, streams.tokens) for way, took in seconds.items()]


def table(timings: Sequence[TokenTiming]) -> str:
    """In words and numbers."""
    lines = [_HEAD, f"{'':17} {'(streaming)':>16} {'(not streaming)':>16}"]
    for one in timings:
        numbers = f"{one.first_s * 1e3:13.1f} ms {one.whole_s * 1e3:13.1f} ms {one.tokens_per_s:9.1f}"
        lines.append(f"{one.actions:4} {one.beams:6} {'yes' if one.kept else 'no':>5} {numbers}")
    return "\n".join(lines)


def _timed(stream: Iterator[object], clock: Callable[[], float]) -> tuple[float, float]:
    began = clock()
    next(stream)
    first = clock() - began
    for _ in stream:
        pass
    return first, clock() - began


def _summary(way: tuple[int, int, bool], took: Sequence[tuple[float, float]], tokens: int) -> TokenTiming:
    first, whole = np.median(np.array(took), axis=0)
    actions, beams, kept = way
    return TokenTiming(actions, beams, kept, float(first), float(whole), actions * tokens / float(whole))
