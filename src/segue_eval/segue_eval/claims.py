"""A claim and its verdict, as `eval --json` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from segue_core.text_enum import TextEnum


class Verdict(TextEnum):
    """What the measurement says about a claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Claim:
    """`id` is stable across versions; `statistics` are the numbers that the verdict rests on."""

    id: str
    verdict: Verdict
    statistics: Mapping[str, float]

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {"id": self.id, "verdict": str(self.verdict), "statistics": dict(self.statistics)}


def rate_claim(name: str, low: float, high: float, wanted: float, rate: float) -> Claim:
    """Whether a rate reaches `wanted`, judged by its interval; inconclusive when `wanted` lies inside."""
    verdict = Verdict.REPRODUCED if low >= wanted else Verdict.NOT_REPRODUCED
    if low < wanted <= high:
        verdict = Verdict.INCONCLUSIVE
    return Claim(name, verdict, {"rate": rate, "interval_low": low, "interval_high": high, "wanted": wanted})
