"""Smoothness of an episode and of its windows of 5 s."""

import math

import numpy as np
import pytest

from segue_core.action_space import DUAL_ARM_EE
from segue_eval.smoothness import Smoothness, smoothness

RATE = round(DUAL_ARM_EE.rate_hz)


def strokes(count: int) -> np.ndarray:
    """Commands of `count` minimum-jerk strokes to and fro of 2.5 s each, hence two per window."""
    s = np.linspace(0, 1, round(2.5 * RATE), endpoint=False)
    reach = 10 * s**3 - 15 * s**4 + 6 * s**5
    path = np.concatenate([reach if i % 2 == 0 else 1 - reach for i in range(count)])
    actions = np.zeros((len(path), DUAL_ARM_EE.dim))
    actions[:, DUAL_ARM_EE.slice("left_position")] = 0.3 * path[:, None] * [1.0, 0.5, 0.0]
    return actions


def test_windows_compare_episodes_of_unequal_length_where_the_whole_cannot() -> None:
    """Doing the same twelve times is no rougher than twice, and has twelve times the duration in NLDLJ's T^5."""
    short, long = smoothness(strokes(2), DUAL_ARM_EE, ()), smoothness(strokes(12), DUAL_ARM_EE, ())
    assert long.nldlj > short.nldlj + 5
    assert long.nldlj_5s == pytest.approx(short.nldlj_5s, abs=0.01)
    assert long.nsparc_5s == pytest.approx(short.nsparc_5s, abs=0.01)
    assert long.sparc_reference_5s == pytest.approx(short.sparc_reference_5s, abs=0.01)


def test_of_one_window_the_whole_is_the_window() -> None:
    one = smoothness(strokes(2), DUAL_ARM_EE, ())
    assert (one.nsparc_5s, one.sparc_reference_5s, one.nldlj_5s) == (
        one.nsparc,
        one.sparc_reference,
        one.nldlj,
    )


def test_a_jump_at_a_seam_changes_no_window() -> None:
    seam = 7 * RATE
    torn = strokes(4)
    torn[seam:, DUAL_ARM_EE.slice("left_position")] += 0.2
    whole, broken = (smoothness(a, DUAL_ARM_EE, [seam]) for a in (strokes(4), torn))
    assert broken.nldlj_5s == pytest.approx(whole.nldlj_5s)


def test_what_is_left_after_the_last_whole_window_is_left_out() -> None:
    actions = np.concatenate([strokes(2), strokes(1)[: 2 * RATE]])
    assert smoothness(actions, DUAL_ARM_EE, ()).nldlj_5s == smoothness(strokes(2), DUAL_ARM_EE, ()).nldlj_5s


def test_an_episode_that_is_shorter_than_a_window_has_none_and_one_of_three_rows_nothing() -> None:
    short = smoothness(strokes(1), DUAL_ARM_EE, ())
    assert math.isfinite(short.nsparc) and math.isnan(short.nsparc_5s)
    assert all(math.isnan(value) for value in vars(smoothness(strokes(1)[:3], DUAL_ARM_EE, ())).values())
    assert all(math.isnan(value) for value in vars(Smoothness()).values())
