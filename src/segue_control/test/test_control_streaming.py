"""Laws of the path from tick to tick."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segue_control import rotations
from segue_control.poses import ToolPoses
from segue_control.streaming import SplineStream, TickInterpolator

points = st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=20)


def _run(values: list[float], late: list[int], updates: int = 40) -> np.ndarray:
    stream = SplineStream(np.array([values[0]]))
    path = []
    for index, value in enumerate(values):
        for update in range(updates):
            if update == late[index % len(late)]:
                stream.push(np.array([value]))
            path.append(stream.advance(1.0 / updates)[0])
    return np.array(path)


@given(points, st.lists(st.integers(0, 39), min_size=1, max_size=5))
def test_the_path_is_c2_whenever_targets_arrive(values: list[float], late: list[int]) -> None:
    acceleration = np.diff(_run(values, late), n=2) * 40**2
    # A step in acceleration would show as a difference that does not shrink with the time step.
    assert np.abs(np.diff(acceleration)).max() < 600.0 / 40 * max(np.ptp(values), 1e-3) + 1e-6


@given(points)
def test_punctual_targets_are_never_overshot(values: list[float]) -> None:
    path = _run(values, [0])
    assert path.min() >= min(values) - 1e-9
    assert path.max() <= max(values) + 1e-9


@given(points)
def test_punctual_targets_make_the_uniform_cubic_b_spline(values: list[float]) -> None:
    path = _run(values, [0])
    padded = np.array([values[0], values[0], *values])
    knots = (padded[:-2] + 4 * padded[1:-1] + padded[2:]) / 6
    np.testing.assert_allclose(path[39::40], knots, atol=1e-9)


@given(points)
def test_the_path_rests_on_the_last_target_two_ticks_after_it(values: list[float]) -> None:
    stream = SplineStream(np.array([values[0]]))
    for value in values:
        stream.push(np.array([value]))
        stream.advance(1.0)
    stream.advance(2.0)
    np.testing.assert_allclose([stream.advance(0.3), stream.advance(0.4)], values[-1], atol=1e-9)


def test_a_steady_motion_is_followed_exactly_two_ticks_behind() -> None:
    stream = SplineStream(np.zeros(1))
    for tick in range(10):
        stream.push(np.array([0.1 * tick]))
        quarter = stream.advance(0.25)
        stream.advance(0.75)
    np.testing.assert_allclose(quarter, 0.1 * (9.25 - 2.0), atol=1e-9)


def test_orientations_pass_pi_without_a_flip() -> None:
    turn = [np.array([[np.cos(a / 2), 0, 0, np.sin(a / 2)]]) for a in np.linspace(2.8, 3.6, 9)]
    flipped = [quaternion * (-1) ** index for index, quaternion in enumerate(turn)]
    here = np.zeros((1, 3))
    interpolator = TickInterpolator(ToolPoses(here, flipped[0]))
    yaws = []
    for quaternion in flipped:
        interpolator.push(ToolPoses(here, quaternion))
        for _ in range(4):
            pose = interpolator.advance(0.25).quaternions[0]
            yaws.append(2 * np.arctan2(pose[3], pose[0]) % (2 * np.pi))
            assert abs(np.linalg.norm(pose) - 1) < 1e-12
    assert np.all(np.diff(yaws) >= -1e-9)
    assert np.max(np.diff(yaws)) < 0.03


@given(st.lists(st.floats(-1.8, 1.8), min_size=3, max_size=3))
def test_a_rotation_vector_survives_the_way_through_a_quaternion(vector: list[float]) -> None:
    back = rotations.to_rotation_vector(rotations.from_rotation_vector(vector))
    angle = np.linalg.norm(vector)
    if angle <= np.pi:
        np.testing.assert_allclose(back, vector, atol=1e-7)
    assert np.linalg.norm(back) <= np.pi + 1e-9
