"""The statistics that every table uses: mean and standard error, a rate's interval, paired differences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """Mean of `count` finite values, the standard error of that mean (NaN below two values), and their median."""

    mean: float
    standard_error: float
    count: int
    median: float = math.nan

    @property
    def heavy_tailed(self) -> bool:
        """Whether a few values carry the mean: it lies off the median by more than a quarter of that."""
        return abs(self.mean - self.median) > 0.25 * abs(self.median)

    def scaled(self, factor: float) -> Estimate:
        """The same in another unit."""
        return Estimate(self.mean * factor, self.standard_error * factor, self.count, self.median * factor)

    def to_dict(self) -> dict[str, float | int | None]:
        """Plain data for JSON; numbers that are not there are null."""
        return {name: value if math.isfinite(value) else None for name, value in asdict(self).items()}

    def text(self, digits: int = 2) -> str:
        """`12.34 ± 0.56`; a dash where there is nothing to report."""
        if self.count == 0:
            return "-"
        if self.count == 1:
            return f"{self.mean:.{digits}f}"
        return f"{self.mean:.{digits}f} ± {self.standard_error:.{digits}f}"


@dataclass(frozen=True)
class PairedDifference:
    """Mean of `first - second` over common seeds, its 95 % interval, and how surprising it would be were it zero.

    The interval is Student's t on the differences; both bounds are NaN below two common seeds.
    """

    estimate: Estimate
    low: float
    high: float
    p_value: float


def estimate(values: Iterable[float]) -> Estimate:
    """Mean and standard error (sample deviation / sqrt(n)); values that are not finite are left out."""
    data = np.asarray(list(values), dtype=np.float64)
    data = data[np.isfinite(data)]
    if data.size == 0:
        return Estimate(math.nan, math.nan, 0, math.nan)
    error = float(stats.sem(data)) if data.size > 1 else math.nan
    return Estimate(float(data.mean()), error, int(data.size), float(np.median(data)))


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's score interval (95 %) of a rate: honest at 0 and 1, where mean +- error is not."""
    if trials == 0:
        return 0.0, 1.0
    interval = stats.binomtest(successes, trials).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def _sign_flip_p(differences: NDArray[np.float64], draws: int) -> float:
    """Two-sided p of the mean under random signs, all of them where `draws` suffice (seeded: a table never changes)."""
    test = stats.permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=draws,
        random_state=0,
    )
    return float(test.pvalue)


def t_interval(value: Estimate, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Student's interval of a mean; (NaN, NaN) below two values, which say nothing about their spread."""
    if value.count < 2:
        return math.nan, math.nan
    reach = float(stats.t.ppf(0.5 + confidence / 2, value.count - 1)) * value.standard_error
    return value.mean - reach, value.mean + reach


def paired_difference(
    first: Mapping[int, float], second: Mapping[int, float], factor: float = 1.0, draws: int = 10_000
) -> PairedDifference:
    """`first - factor * second` paired by seed, where both are finite; p by a sign-flip permutation test.

    Pairing takes out what the seed itself decides (where the objects lie), which both setups share.
    """
    common = [seed for seed in first if seed in second]
    values = np.asarray([first[seed] - factor * second[seed] for seed in common], dtype=np.float64)
    values = values[np.isfinite(values)]
    p_value = _sign_flip_p(values, draws) if values.size > 1 else math.nan
    mean = estimate(values)
    return PairedDifference(mean, *t_interval(mean), p_value)
