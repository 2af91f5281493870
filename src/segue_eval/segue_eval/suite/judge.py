"""The rules that turn paired differences into verdicts. Every rule can come out each way.

The 95 % interval of the paired difference is put on an axis where positive values support the claim:

    lower, higher       ------|====|----------|------->      not: any effect is below the least that matters
    0 ... least               |----|====|-----|------->      inconclusive
                              0         |==least===|-->      reproduced: wholly above 0

    not_worse           ---|====|--|------------------>      not: worse by more than the margin
    -margin                        |-margin   0              reproduced: wholly above -margin

    factor              first - factor * second, judged as `higher` with a least effect of nothing
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from segue_eval.claims import Claim, Verdict
from segue_eval.result import EpisodeResult
from segue_eval.statistics import estimate, paired_difference
from segue_eval.suite.spec import METRICS, ClaimSpec
from segue_eval.summary import Column

Values = Mapping[int, float]  # seed -> metric


@dataclass(frozen=True)
class Rule:
    """Where an interval must lie, on the axis that supports the claim.

    Args:
        sign: +1 when a larger first cell supports the claim, else -1.
        supported: reproduced when the whole interval is above (with `inclusive`, or touches it from above).
        refuted: otherwise not reproduced when the whole interval is below.
    """

    sign: int
    supported: float
    refuted: float
    inclusive: bool = False

    def verdict(self, low: float, high: float) -> Verdict:
        """Judge the interval [low, high] of `first - factor * second`; NaN bounds decide nothing."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return Verdict.INCONCLUSIVE
        worst, best = sorted((self.sign * low, self.sign * high))
        if worst > self.supported or (self.inclusive and worst == self.supported):
            return Verdict.REPRODUCED
        return Verdict.NOT_REPRODUCED if best < self.refuted else Verdict.INCONCLUSIVE


def rule_for(claim: ClaimSpec, scale: float) -> Rule:
    """The rule of a claim; `scale` is the size of the second cell's mean, which shares refer to."""
    if claim.expect == "factor":
        return Rule(+1, 0.0, 0.0)
    if claim.expect == "not_worse":
        sign = -1 if METRICS[claim.metric].lower_is_better else +1
        return Rule(sign, -claim.margin * scale, -claim.margin * scale, inclusive=True)
    return Rule(-1 if claim.expect == "lower" else +1, 0.0, claim.least * scale)


def values_of(column: Column, results: Sequence[EpisodeResult]) -> dict[int, float]:
    """The column of every seed, in the unit that is printed."""
    return {result.seed: column.read(result) * column.scale for result in results}


def judge(
    claim: ClaimSpec, first: Sequence[EpisodeResult], second: Sequence[EpisodeResult], name: str
) -> Claim:
    """Compare two cells on the seeds that both have; numbers are in the metric's printed unit."""
    column = METRICS[claim.metric]
    one, two = values_of(column, first), values_of(column, second)
    common = [seed for seed in one if math.isfinite(one[seed]) and math.isfinite(two.get(seed, math.nan))]
    means = [estimate(values[seed] for seed in common) for values in (one, two)]
    factor = claim.factor if claim.expect == "factor" else 1.0
    difference = paired_difference(one, two, factor)
    verdict = rule_for(claim, abs(means[1].mean)).verdict(difference.low, difference.high)
    statistics = {
        "first_mean": means[0].mean,
        "second_mean": means[1].mean,
        "difference": difference.estimate.mean,
        "median_difference": difference.estimate.median,
        "standard_error": difference.estimate.standard_error,
        "interval_low": difference.low,
        "interval_high": difference.high,
        "p_value": difference.p_value,
        "n": float(difference.estimate.count),
        "factor": factor,
    }
    return Claim(name, verdict, statistics, claim.text)


def not_run(claim: ClaimSpec, name: str, reason: str) -> Claim:
    """A claim whose cells are not there."""
    return Claim(name, Verdict.NOT_RUN, {}, claim.text, reason)


def together(claim: ClaimSpec, parts: Sequence[Claim]) -> Claim:
    """The claim on all tasks: reproduced when it is on each; one task that refutes it is enough to refute it."""
    verdicts = [part.verdict for part in parts]
    counts = {str(verdict): float(verdicts.count(verdict)) for verdict in Verdict}
    verdict = Verdict.INCONCLUSIVE
    if Verdict.NOT_REPRODUCED in verdicts:
        verdict = Verdict.NOT_REPRODUCED
    elif len(set(verdicts)) == 1:
        verdict = verdicts[0]
    missing = [part.id.partition("/")[2] for part in parts if part.verdict is Verdict.NOT_RUN]
    reason = f"not run on {', '.join(missing)}" if missing else ""
    return Claim(f"{claim.id}/all tasks", verdict, counts, claim.text, reason)
