"""Timing that compares fairly: candidates take turns and only their own thread's CPU time counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Seconds of CPU per call: median and 99th percentile of `count` calls."""

    median_s: float
    p99_s: float
    count: int


def interleaved(
    candidates: Mapping[str, Callable[[], object]], rounds: int, warmup: int = 3
) -> dict[str, Timing]:
    """Time every candidate once per round, after `warmup` untimed rounds.

    Every other round goes backwards, so that a neighbour's warm caches favour nobody. The clock is this thread's
    CPU time: other processes on the machine do not count, nor do other threads.
    """
    samples: dict[str, list[float]] = {name: [] for name in candidates}
    for index in range(warmup + rounds):
        order = list(candidates.items())
        for name, call in order if index % 2 else reversed(order):
            began = time.thread_time()
            call()
            if index >= warmup:
                samples[name].append(time.thread_time() - began)
    return {name: timing(values) for name, values in samples.items()}


def timing(seconds: list[float]) -> Timing:
    """Summary of measured durations [s]."""
    median, p99 = np.percentile(seconds, [50, 99])
    return Timing(float(median), float(p99), len(seconds))


def ratio_table(title: str, timings: Mapping[str, Timing], base: str) -> str:
    """Plain-text table: median, p99 and the ratio of the medians to `base`'s."""
    width = max(len(name) for name in timings)
    lines = [f"{title}   (ratio to {base})", f"{'':{width}}  {'median':>11}  {'p99':>11}  {'ratio':>7}"]
    for name, value in timings.items():
        ratio = value.median_s / timings[base].median_s
        lines.append(
            f"{name:{width}}  {value.median_s * 1e3:8.3f} ms  {value.p99_s * 1e3:8.3f} ms  {ratio:7.3f}"
        )
    return "\n".join(lines)
