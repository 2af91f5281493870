import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_eval.statistics import Estimate, estimate, paired_difference, t_interval, wilson_interval

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50)


@given(VALUES)
def test_the_standard_error_is_the_sample_deviation_over_root_n(values: list[float]) -> None:
    result = estimate(values)
    assert result.mean == pytest.approx(np.mean(values))
    assert result.standard_error == pytest.approx(np.std(values, ddof=1) / math.sqrt(len(values)))


def test_values_that_are_not_finite_are_neither_averaged_nor_counted() -> None:
    result = estimate([1.0, math.nan, 3.0, -math.inf])
    assert (result.mean, result.count) == (2.0, 2)


def test_a_median_says_when_a_few_values_carry_the_mean() -> None:
    """RTC on pour: two of fifty seeds made a mean of 286 out of a median of 91."""
    calm = [80.0, 91.0, 95.0, 100.0]
    assert not estimate(calm).heavy_tailed and estimate(calm).median == 93.0
    assert estimate([*calm, 4000.0]).heavy_tailed and estimate([*calm, 4000.0]).median == 95.0
    assert not estimate([]).heavy_tailed


def test_nothing_measured_prints_as_a_dash() -> None:
    assert estimate([]).text() == "-"


@given(st.integers(1, 200), st.data())
def test_the_interval_of_a_rate_contains_it_and_stays_in_zero_to_one(
    trials: int, data: st.DataObject
) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = wilson_interval(successes, trials)
    assert 0.0 <= low <= successes / trials + 1e-12 and successes / trials - 1e-12 <= high <= 1.0


def test_forty_of_fifty_may_be_anything_from_67_to_89_percent() -> None:
    assert wilson_interval(40, 50) == pytest.approx((0.670, 0.888), abs=5e-4)


def test_a_constant_difference_between_paired_seeds_is_certain_and_none_is_not() -> None:
    base = {seed: float(seed % 7) for seed in range(20)}
    better = {seed: value - 1.0 for seed, value in base.items()}
    assert paired_difference(better, base).estimate.mean == pytest.approx(-1.0)
    assert paired_difference(better, base).p_value < 0.001
    assert paired_difference(base, base).p_value == 1.0


def test_a_few_pairs_are_told_apart_by_every_way_to_give_them_signs() -> None:
    """Of 2^4 sign patterns two are as extreme as four equal differences."""
    better, worse = dict.fromkeys(range(4), 1.0), dict.fromkeys(range(4), 0.0)
    assert paired_difference(better, worse).p_value == pytest.approx(2 / 16)


def test_a_table_made_twice_has_the_same_p() -> None:
    noise = np.random.default_rng(0).normal(0.2, 1.0, size=40)
    first, second = dict(enumerate(noise)), dict.fromkeys(range(40), 0.0)
    assert paired_difference(first, second).p_value == paired_difference(first, second).p_value


def test_only_seeds_that_both_have_are_compared() -> None:
    assert paired_difference({1: 1.0, 2: 5.0, 3: math.nan}, {2: 1.0, 3: 1.0, 4: 9.0}).estimate.count == 1


def test_the_interval_of_a_mean_is_students() -> None:
    assert t_interval(Estimate(1.0, 0.5, 11)) == pytest.approx(
        (1 - 2.228139 * 0.5, 1 + 2.228139 * 0.5), rel=1e-5
    )
    assert np.isnan(t_interval(Estimate(1.0, math.nan, 1))).all()


@given(VALUES, st.floats(-100, 100))
def test_what_both_setups_of_a_seed_share_drops_out_of_their_difference(
    shared: list[float], gap: float
) -> None:
    second = dict(enumerate(shared))
    difference = paired_difference({seed: value + gap for seed, value in second.items()}, second, draws=10)
    assert difference.low == pytest.approx(gap, abs=1e-6) and difference.high == pytest.approx(gap, abs=1e-6)


def test_95_percent_of_the_intervals_hold_the_true_difference() -> None:
    generator = np.random.default_rng(0)
    noise = generator.normal(0.3, 1.0, size=(1000, 8))
    intervals = [t_interval(estimate(row)) for row in noise]
    assert sum(low <= 0.3 <= high for low, high in intervals) == pytest.approx(950, abs=21)  # 3 sigma
