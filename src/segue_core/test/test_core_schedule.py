"""Guidance schedules and references, against the golden vectors of the RTC authors' code."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.errors import ConfigError, ErrorCode, SchedulerError
from segue_core.schedule import SCHEDULE_KINDS, align_reference, guidance_schedule

GOLDEN_EXP = {
    (16, 4, 6): [1, 1, 1, 1, 0.677, 0.433, 0.256, 0.133, 0.055, 0.013, 0, 0, 0, 0, 0, 0],
    (8, 2, 3): [1, 1, 0.4876, 0.1888, 0.0413, 0, 0, 0],
}


@st.composite
def lengths(draw: st.DrawFn) -> tuple[int, int, int]:
    horizon = draw(st.integers(1, 80))
    delay = draw(st.integers(0, horizon))
    return horizon, delay, draw(st.integers(0, horizon - delay))


@pytest.mark.parametrize("shape", GOLDEN_EXP)
def test_exp_schedule_equals_the_golden_vectors(shape: tuple[int, int, int]) -> None:
    expected = np.array(GOLDEN_EXP[shape])
    np.testing.assert_allclose(guidance_schedule(*shape, "exp"), expected, atol=6e-4)


def test_exp_schedule_equals_the_golden_values_at_legato_size() -> None:
    omega = guidance_schedule(60, 8, 20, "exp")
    np.testing.assert_allclose(omega[[8, 9, 14, 27]], [0.8823, 0.7747, 0.3677, 0.0014], atol=6e-5)


def test_linear_ramp_goes_down_in_steps_of_one_over_r_plus_one() -> None:
    expected = [1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0, 0]
    np.testing.assert_allclose(guidance_schedule(10, 3, 4, "linear"), expected, atol=1e-7)


def test_zeros_is_a_hard_prefix_and_ones_covers_prefix_and_ramp() -> None:
    assert guidance_schedule(6, 2, 3, "zeros").tolist() == [1, 1, 0, 0, 0, 0]
    assert guidance_schedule(6, 2, 3, "ones").tolist() == [1, 1, 1, 1, 1, 0]


@given(lengths(), st.sampled_from(SCHEDULE_KINDS))
def test_every_schedule_is_one_then_falls_then_is_zero(shape: tuple[int, int, int], kind: str) -> None:
    horizon, delay, ramp = shape
    omega = guidance_schedule(horizon, delay, ramp, kind)
    assert omega.shape == (horizon,)
    assert omega.dtype == np.float32
    assert (omega[:delay] == 1).all()
    assert (omega[delay + ramp :] == 0).all()
    assert (np.diff(omega) <= 0).all()


@pytest.mark.parametrize("shape", [(0, 0, 0), (10, -1, 0), (10, 0, -1), (10, 6, 5)])
def test_a_schedule_that_does_not_fit_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(SchedulerError, match="d \\+ r <= H") as caught:
        guidance_schedule(*shape)
    assert caught.value.code is ErrorCode.SCHEDULER_INFEASIBLE


def test_an_unknown_schedule_names_the_valid_ones() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'linear'.*exp, linear, ones, zeros"):
        guidance_schedule(10, 1, 1, "liner")


@given(st.integers(1, 40), st.integers(0, 60), st.integers(1, 80))
def test_a_reference_is_what_is_left_then_its_last_row(rows: int, stride: int, horizon: int) -> None:
    previous = np.arange(1, rows + 1, dtype=np.float32)[:, None] * [1, -1]
    reference = align_reference(previous, stride, horizon)
    left = previous[stride : stride + horizon]
    assert reference.shape == (horizon, 2)
    assert reference.dtype == np.float32
    np.testing.assert_array_equal(reference[: len(left)], left)
    np.testing.assert_array_equal(reference[len(left) :], np.tile(previous[-1], (horizon - len(left), 1)))


@given(st.integers(1, 40), st.integers(0, 60))
def test_a_reference_is_never_padded_with_zeros(rows: int, stride: int) -> None:
    assert (align_reference(np.full((rows, 3), 7.0), stride, 60) == 7.0).all()


def test_a_reference_does_not_alias_the_previous_chunk() -> None:
    previous = np.ones((4, 2), dtype=np.float32)
    align_reference(previous, 1, 4)[:] = 5
    assert (previous == 1).all()


@pytest.mark.parametrize(
    ("previous", "stride", "code"),
    [
        (np.empty((0, 2)), 0, ErrorCode.CHUNK_WRONG_SHAPE),
        (np.ones(3), 0, ErrorCode.CHUNK_WRONG_SHAPE),
        (np.ones((3, 2)), -1, ErrorCode.SCHEDULER_INFEASIBLE),
    ],
)
def test_a_reference_of_nothing_is_refused(previous: np.ndarray, stride: int, code: ErrorCode) -> None:
    with pytest.raises(SchedulerError) as caught:
        align_reference(previous, stride, 4)
    assert caught.value.code is code
