"""Laws of progress: what the metrics mean, and what a calibrated threshold promises."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from segue_core.progress.calibration import calibrate, quiet_value, stop_tick
from segue_core.progress.estimator import period_ticks
from segue_core.progress.instructions import KNOWN, familiarity
from segue_core.progress.stop import StopOptions
from segue_core.progress.traces import ProgressTrace, pearson, says_done, scores

RATE_HZ = 30.0
OPTIONS = StopOptions()
SHARE = 0.95


def trace(predicted: list[float], every: int = 6) -> ProgressTrace:
    ticks = np.arange(len(predicted)) * every
    return ProgressTrace(ticks, np.array(predicted), ticks / max(1, ticks[-1]), int(ticks[-1]))


predictions = st.lists(st.floats(0, 1), min_size=2, max_size=40).map(trace)


def test_a_perfect_estimator_scores_perfectly() -> None:
    perfect = trace(list(np.linspace(0, 1, 30)))
    assert scores([perfect]) == pytest.approx({"pearson": 1.0, "mae": 0.0, "stop_reliability": 1.0})


@given(predictions, st.floats(0.1, 1), st.floats(0, 0.5))
def test_pearson_does_not_see_scale_and_offset(one: ProgressTrace, gain: float, offset: float) -> None:
    assume(one.predicted.std() > 1e-3)
    moved = trace(list(offset + gain * one.predicted))
    assert pearson(moved) == pytest.approx(pearson(one), abs=1e-6)
    assert pearson(trace(list(1 - one.predicted))) == pytest.approx(-pearson(one), abs=1e-6)


def test_an_estimator_that_never_changes_its_mind_has_no_correlation() -> None:
    assert pearson(trace([0.5] * 20)) == 0.0


def test_only_the_last_ten_ticks_say_that_a_stop_is_reliable() -> None:
    assert says_done(trace([0.0] * 19 + [0.91]))
    assert not says_done(trace([1.0] * 18 + [0.5, 0.5]))


@given(predictions, st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_lower_threshold_never_stops_later(one: ProgressTrace, a: float, b: float) -> None:
    low, high = sorted((a, b))
    late = stop_tick(one, OPTIONS, RATE_HZ, one.last_tick, high)
    early = stop_tick(one, OPTIONS, RATE_HZ, one.last_tick, low)
    assert late is None or (early is not None and early <= late)


@given(predictions)
def test_the_quiet_value_is_where_false_stops_begin(one: ProgressTrace) -> None:
    value, until = quiet_value(one, OPTIONS, RATE_HZ, SHARE), int(np.ceil(SHARE * one.last_tick))
    if value <= 1:
        assert stop_tick(one, OPTIONS, RATE_HZ, until, value) is None
    if 1e-5 < value <= 1:
        assert stop_tick(one, OPTIONS, RATE_HZ, until, value - 1e-5) is not None
    if value > 1:
        assert stop_tick(one, OPTIONS, RATE_HZ, until, 1.0) is not None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=120), st.floats(0.005, 0.5))
def test_whichever_demonstration_is_the_next_task_false_stops_keep_the_promise(
    quiet: list[float], budget: float
) -> None:
    """Exchangeable tasks: each of n + 1 in turn is the new one, the others calibrate."""
    false, promised = 0, 0.0
    for index, new in enumerate(quiet):
        found = calibrate(quiet[:index] + quiet[index + 1 :], budget)
        assert found.threshold is not None
        false, promised = false + (new > found.threshold), found.promised
    assert false / len(quiet) <= promised + 1e-9


@pytest.mark.parametrize(("count", "kept"), [(48, False), (49, True), (200, True)])
def test_two_percent_need_forty_nine_demonstrations(count: int, kept: bool) -> None:
    found = calibrate(list(np.linspace(0.2, 0.8, count)), 0.02)
    assert (found.promised <= found.budget + 1e-9) == kept
    assert kept or found.promised == pytest.approx(1 / (count + 1))
    assert ("more than the 2 % asked for" in str(found)) == (not kept)


def test_predictions_that_reach_one_too_early_have_no_threshold() -> None:
    loud = quiet_value(trace([1.0] * 30), OPTIONS, RATE_HZ, SHARE)
    found = calibrate([loud] * 60, 0.02)
    assert found.threshold is None
    assert "no threshold" in str(found)


def test_a_rule_sees_the_prediction_at_the_end_of_a_demonstration_go_on() -> None:
    rising = trace([0.1] * 20 + [0.95])
    until = rising.last_tick + 60
    assert stop_tick(rising, StopOptions(ema=1.0), RATE_HZ, until) == rising.last_tick + 30


@pytest.mark.parametrize(("rate_hz", "ticks"), [(30.0, 6), (20.0, 4), (5.0, 1), (2.0, 1)])
def test_five_estimates_a_second(rate_hz: float, ticks: int) -> None:
    assert period_ticks(rate_hz) == ticks


TRAINED = ("Pull the drawer open.", "Stack the bowls")


@given(st.sampled_from(TRAINED), st.sampled_from(["", "!", "  "]))
def test_case_and_signs_do_not_make_an_instruction_unknown(known: str, sign: str) -> None:
    assert familiarity(known.upper() + sign, TRAINED) == 1.0


@pytest.mark.parametrize("instruction", ["", "pour the tea"])
def test_no_instruction_and_one_of_other_words_are_not_known(instruction: str) -> None:
    assert familiarity(instruction, TRAINED) < KNOWN


def test_other_words_of_the_same_set_are_nearly_known() -> None:
    assert KNOWN < familiarity("open the drawer, pull!", TRAINED) < 1.0
    assert familiarity("", ("",)) == 1.0  # trained on demonstrations that say nothing
