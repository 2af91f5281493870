"""Smoothness and seam metrics against closed forms and known orders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core import metrics
from segue_core.action_space import DUAL_ARM_EE, SINGLE_ARM_EE
from segue_core.errors import ErrorCode, SchedulerError

MIN_JERK_LOG = np.log(720 / 1.875**2)  # integral of jerk^2 is 720 L^2 / T^5, peak speed 1.875 L / T


def min_jerk(rate_hz: float, duration_s: float, length: float = 1.0) -> np.ndarray:
    """Minimum-jerk reach (T, 1)."""
    s = np.linspace(0, 1, round(rate_hz * duration_s) + 1)
    return length * (10 * s**3 - 15 * s**4 + 6 * s**5)[:, None]


def test_dimensionless_jerk_of_a_minimum_jerk_reach_is_its_closed_form() -> None:
    assert metrics.nldlj_dimensionless(min_jerk(2000, 2), 2000) == pytest.approx(MIN_JERK_LOG, abs=0.01)


@given(st.floats(0.1, 5), st.floats(0.5, 4))
def test_dimensionless_jerk_does_not_depend_on_size_or_duration(length: float, duration: float) -> None:
    samples = np.linspace(0, 1, 301)
    rate = 300 / duration
    path = length * (10 * samples**3 - 15 * samples**4 + 6 * samples**5)[:, None]
    assert metrics.nldlj_dimensionless(path, rate) == pytest.approx(MIN_JERK_LOG, abs=0.06)


def test_printed_and_dimensionless_forms_differ_by_twice_the_log_of_the_duration() -> None:
    path = min_jerk(100, 3.0)
    difference = metrics.nldlj(path, 100) - metrics.nldlj_dimensionless(path, 100)
    assert difference == pytest.approx(2 * np.log(3.0))


def test_jerk_of_a_sinusoid_is_its_closed_form() -> None:
    """X = sin(w t) over whole periods: integral of jerk^2 is w^6 T / 2 and the peak speed is w."""
    w, duration, rate = 2 * np.pi * 0.5, 8.0, 500
    t = np.arange(0, duration, 1 / rate)
    assert metrics.nldlj(np.sin(w * t), rate) == pytest.approx(np.log(duration**6 * w**4 / 2), abs=0.02)


def test_a_connection_leaves_out_exactly_the_jerk_across_it() -> None:
    step = np.concatenate([min_jerk(30, 2), min_jerk(30, 2) + 1.3])
    clean = metrics.nldlj(step, 30, connections=[61])
    assert clean < metrics.nldlj(step, 30) - 3
    assert metrics.nldlj(step, 30, connections=[62]) > clean + 1
    assert metrics.nldlj(step, 30, connections=[0, 1, 10_000]) <= metrics.nldlj(step, 30)


@given(st.integers(4, 86), st.lists(st.floats(-0.3, 0.3), min_size=3, max_size=3))
def test_a_jump_at_a_seam_neither_improves_nor_worsens_the_jerk(seam: int, jump: list[float]) -> None:
    """The peak speed was once taken over the seam as well: 50 mm there lowered 19.8 to 16.4."""
    path = min_jerk(30, 3) * [0.4, 0.1, 0.0]
    torn = path + np.where(np.arange(len(path)) >= seam, 1.0, 0.0)[:, None] * jump
    assert metrics.nldlj(torn, 30, [seam]) == pytest.approx(metrics.nldlj(path, 30, [seam]), abs=1e-6)


@given(st.integers(4, 60), st.floats(0.01, 0.5))
def test_a_jump_at_a_seam_of_commands_does_not_improve_their_jerk(seam: int, jump: float) -> None:
    actions = np.zeros((91, DUAL_ARM_EE.dim))
    actions[:, DUAL_ARM_EE.slice("left_position")] = min_jerk(30, 3) * [0.4, 0.1, 0.0]
    actions[:, DUAL_ARM_EE.slice("right_rotation")] = min_jerk(30, 3) * [0.0, 0.0, 0.5]
    torn = actions.copy()
    torn[seam:, DUAL_ARM_EE.slice("left_position")] += jump
    torn[seam:, DUAL_ARM_EE.slice("right_rotation")] += [0.0, 0.0, jump]
    for power in (3, 5):
        whole, broken = (metrics.nldlj_actions(a, DUAL_ARM_EE, [seam], power) for a in (actions, torn))
        assert broken >= whole - 1e-6


def test_motion_that_is_nothing_but_seams_has_no_jerk_to_judge() -> None:
    """As with a chunk for every tick."""
    assert np.isnan(metrics.nldlj(min_jerk(30, 2), 30, connections=range(61)))


@given(st.floats(0.01, 100), st.integers(0, 120))
def test_neither_size_nor_waiting_at_the_ends_changes_the_spectral_arc_length(size: float, wait: int) -> None:
    speed = np.diff(min_jerk(30, 2)[:, 0])
    padded = np.pad(speed, wait) * size
    assert metrics.nsparc_speed(padded, 30) == pytest.approx(metrics.nsparc_speed(speed, 30), abs=0.02)
    assert metrics.sparc_reference_speed(padded, 30) == pytest.approx(
        metrics.sparc_reference_speed(speed, 30), abs=0.02
    )


def test_pauses_between_strokes_lengthen_the_reference_arc_and_not_the_papers() -> None:
    """Four strokes with pauses of 0 to 3 s: 3.1, 4.5, 5.9, 11.5 to the last crossing, 1.43 to 1.45 to the first."""

    def strokes(pause: int) -> np.ndarray:
        return np.tile(np.concatenate([np.diff(min_jerk(30, 1)[:, 0]), np.zeros(pause)]), 4)

    papers = [metrics.nsparc_speed(strokes(pause), 30) for pause in (0, 15, 30, 90)]
    reference = [metrics.sparc_reference_speed(strokes(pause), 30) for pause in (0, 15, 30, 90)]
    assert np.ptp(papers) < 0.05
    assert reference == pytest.approx([3.1, 4.5, 5.9, 11.5], abs=0.1)


def test_the_paper_cuts_at_the_first_crossing_and_the_reference_at_the_last() -> None:
    """A slow stroke with a faint 6 Hz tremor: the tremor's line lies beyond the first crossing."""
    speed = np.diff(min_jerk(30, 3)[:, 0])
    shaken = speed * (1 + 0.3 * np.sin(2 * np.pi * 6 * np.arange(len(speed)) / 30))
    assert metrics.nsparc_speed(shaken, 30) == pytest.approx(metrics.nsparc_speed(speed, 30), abs=0.05)
    assert metrics.sparc_reference_speed(shaken, 30) > metrics.sparc_reference_speed(speed, 30) + 0.2


def test_a_minimum_jerk_reach_has_the_spectral_arc_length_of_the_literature() -> None:
    """Balasubramanian et al. 2015 give about -1.41 for SPARC of a minimum-jerk reach."""
    assert metrics.sparc_reference(min_jerk(100, 1), 100) == pytest.approx(1.41, abs=0.02)
    assert metrics.nsparc(min_jerk(100, 1), 100) == pytest.approx(1.41, abs=0.02)


def test_stopping_on_the_way_is_less_smooth_than_reaching_once() -> None:
    once = min_jerk(30, 2)
    twice = np.concatenate([min_jerk(30, 1), np.ones((10, 1)), 1 + min_jerk(30, 1)])
    assert metrics.nsparc(once, 30) < metrics.nsparc(twice, 30)
    assert metrics.sparc_reference(once, 30) < metrics.sparc_reference(twice, 30)


@pytest.mark.parametrize("amplitude", [0.002, 0.01])
def test_tremor_makes_every_smoothness_metric_worse(amplitude: float) -> None:
    reach = min_jerk(30, 3)
    shaken = reach + amplitude * np.sin(2 * np.pi * 6 * np.arange(len(reach)) / 30)[:, None]
    assert metrics.nsparc(shaken, 30) > metrics.nsparc(reach, 30)
    assert metrics.nldlj(shaken, 30) > metrics.nldlj(reach, 30)


def test_a_path_that_never_moves_has_no_smoothness() -> None:
    still = np.zeros((50, 3))
    assert np.isnan(metrics.nsparc(still, 30))
    assert np.isnan(metrics.nldlj(still, 30))


def test_constant_velocity_has_no_jerk() -> None:
    assert metrics.nldlj(np.arange(50.0), 30) == -np.inf


def test_an_arm_that_rests_does_not_change_the_mean_over_end_effectors() -> None:
    actions = np.zeros((91, DUAL_ARM_EE.dim))
    actions[:, DUAL_ARM_EE.slice("left_position")] = min_jerk(30, 3) * [1, 0, 0]
    alone = metrics.nsparc(min_jerk(30, 3), 30)
    assert metrics.nsparc_actions(actions, DUAL_ARM_EE) == pytest.approx(alone)
    actions[:, DUAL_ARM_EE.slice("right_rotation")] = min_jerk(30, 3) * [0, 0, 0.5]
    assert metrics.nsparc_actions(actions, DUAL_ARM_EE) == pytest.approx(alone)


def test_rotation_smoothness_does_not_see_the_wrap_at_pi() -> None:
    actions = np.zeros((91, DUAL_ARM_EE.dim))
    angle = 2.5 + min_jerk(30, 3)
    where = DUAL_ARM_EE.slice("left_rotation")
    actions[:, where] = angle * [0, 0, 1.0]
    wrapped = actions.copy()
    wrapped[:, where] = (np.mod(angle + np.pi, 2 * np.pi) - np.pi) * [0, 0, 1.0]
    assert metrics.nsparc_actions(wrapped, DUAL_ARM_EE) == pytest.approx(
        metrics.nsparc_actions(actions, DUAL_ARM_EE)
    )
    assert metrics.nldlj_actions(wrapped, DUAL_ARM_EE) == pytest.approx(
        metrics.nldlj_actions(actions, DUAL_ARM_EE)
    )


@given(st.integers(1, 59), st.floats(-2, 2))
def test_overlap_rmse_of_a_constant_offset_is_its_length(stride: int, offset: float) -> None:
    previous = np.random.default_rng(0).normal(size=(60, 4))
    new = np.concatenate([previous[stride:] + offset, np.zeros((stride, 4))])
    assert metrics.overlap_rmse(previous, new, stride) == pytest.approx(abs(offset) * 2, abs=1e-9)


@pytest.mark.parametrize(("stride", "width"), [(60, 4), (-1, 4), (30, 3)])
def test_overlap_rmse_without_an_overlap_is_refused(stride: int, width: int) -> None:
    with pytest.raises(SchedulerError):
        metrics.overlap_rmse(np.zeros((60, 4)), np.zeros((60, width)), stride)


def test_a_jump_is_measured_on_the_short_way_round() -> None:
    before, after = np.zeros(14), np.zeros(14)
    before[3:6], after[3:6] = [0, 0, 3.1], [0, 0, -3.1]
    assert metrics.seam_jump(DUAL_ARM_EE, before, after) == pytest.approx(2 * np.pi - 6.2)


@pytest.mark.parametrize("path", [np.zeros((3, 3)), np.full((10, 3), np.nan), np.zeros((4, 2, 2))])
def test_a_path_that_is_no_path_is_refused(path: np.ndarray) -> None:
    with pytest.raises(SchedulerError) as caught:
        metrics.nsparc(path, 30)
    assert caught.value.code is ErrorCode.CHUNK_WRONG_SHAPE


def test_a_gripper_does_not_count_where_the_overlap_is_of_what_moves_an_arm() -> None:
    space = SINGLE_ARM_EE
    previous, new = np.zeros((10, space.dim)), np.zeros((10, space.dim))
    new[:, space.slice("arm_position")] = [0.03, 0.0, 0.04]
    new[:, space.slice("arm_gripper")] = 1.0
    assert metrics.motion_overlap(space, previous, new, 4) == pytest.approx(0.05)
    assert metrics.motion_overlap(space, previous, new, 10) is None
    assert metrics.motion_overlap(space, previous, new, -1) is None
