"""A claim and its verdict, as `eval --json` writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from segue_core.text_enum import TextEnum


class Verdict(TextEnum):
    """What the measurement says about a claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"

    @property
    def words(self) -> str:
        """For people."""
        return "not reproduced" if self is Verdict.NOT_REPRODUCED else str(self)


@dataclass(frozen=True)
class Claim:
    """`id` is stable across versions; `statistics` are the numbers that the verdict rests on.

    `text` says it in words; `reason` why it was not run, or not everywhere.
    """

    id: str
    verdict: Verdict
    statistics: Mapping[str, float]
    text: str = ""
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON; numbers that are not there are null."""
        statistics = {k: v if math.isfinite(v) else None for k, v in self.statistics.items()}
        data: dict[str, object] = {"id": self.id, "verdict": str(self.verdict), "statistics": statistics}
        return data | {name: text for name, text in (("text", self.text), ("reason", self.reason)) if text}


def rate_claim(name: str, low: float, high: float, wanted: float, rate: float) -> Claim:
    """Whether a rate reaches `wanted`, judged by its interval; inconclusive when `wanted` lies inside."""
    verdict = Verdict.REPRODUCED if low >= wanted else Verdict.NOT_REPRODUCED
    if low < wanted <= high:
        verdict = Verdict.INCONCLUSIVE
    return Claim(name, verdict, {"rate": rate, "interval_low": low, "interval_high": high, "wanted": wanted})
