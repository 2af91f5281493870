"""Many episodes in lockstep in one process: does memory grow with them?"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from segue_core.errors import PolicyError
from segue_eval.bench.growth import Look, Slope, Watched, look_at, slope
from segue_eval.bench.live import setup_of
from segue_eval.build import SimulatedRunner

Step = Callable[[float, str], None]
"""Told after every episode: the share of the time that is over, and a few words."""


@dataclass
class LockstepSoak:
    """What came of it.

    Args:
        watched: this process, looked at after every episode.
        failed: episodes that a policy's error ended.
    """

    watched: Watched
    successes: int = 0
    failed: int = 0
    ticks: int = 0
    starved: int = 0

    @property
    def episodes(self) -> int:
        """Finished ones."""
        return len(self.watched.looks)

    def per_episode(self) -> Slope:
        """Growth of the resident memory [MB per episode]."""
        looks: list[Look] = self.watched.settled()
        return slope(list(range(len(looks))), [look.rss_mb for look in looks])

    def lines(self) -> str:
        """What the tables of processes do not say."""
        return (
            f"{self.episodes} episodes, {self.successes} successes, {self.failed} ended by an error; "
            f"{self.ticks} ticks, {self.starved} starved\nmemory grows by {self.per_episode().text(3)} MB per episode"
        )

    def report(self) -> dict[str, object]:
        """The same as plain data."""
        growth = self.per_episode()
        return {
            "episodes": self.episodes,
            "successes": self.successes,
            "failed": self.failed,
            "ticks": self.ticks,
            "starved_ticks": self.starved,
            "growth_mb_per_episode": growth.per_unit,
            "standard_error_mb_per_episode": growth.error,
        }


def soak(arguments: Mapping[str, Any], seconds: float, step: Step) -> LockstepSoak:
    """Run seed after seed of the set-up of `arguments` (launch arguments) in this process until the time is over."""
    runner = SimulatedRunner(setup_of(dict(arguments)))()
    found, began, seed = LockstepSoak(Watched(0)), time.monotonic(), int(arguments["seed"])
    while (now := time.monotonic() - began) < seconds or not found.episodes:
        try:
            result = runner(seed)
        except PolicyError:
            found.failed += 1
        else:
            found.successes += result.success
            found.ticks += result.ticks
            found.starved += result.starved
        look = look_at("self", time.monotonic() - began)
        assert look is not None  # this process is there
        found.watched.looks.append(look)
        step(min(1.0, now / seconds), f"{found.episodes} episodes, {look.rss_mb:.0f} MB")
        seed += 1
    return found
