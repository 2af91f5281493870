"""Laws of the path from tick to tick."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue_control.robot import rotation_wxyz
from segue_control.robot.poses import ToolPoses
from segue_control.targets.streaming import STREAMS, QuinticStream, SplineStream, TickInterpolator

EACH_STREAM = pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
points = st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=20)


def _run(
    values: list[float], late: list[int], updates: int = 40, kind: type[SplineStream] = SplineStream
) -> np.ndarray:
    stream = kind(np.array([values[0]]))
    path = []
    for index, value in enumerate(values):
        for update in range(updates):
            if update == late[index % len(late)]:
                stream.push(np.array([value]))
            path.append(stream.advance(1.0 / updates)[0])
    return np.array(path)


@EACH_STREAM
@given(points, st.lists(st.integers(0, 39), min_size=1, max_size=5))
def test_the_path_is_c2_whenever_targets_arrive(
    stream: type[SplineStream], values: list[float], late: list[int]
) -> None:
    acceleration = np.diff(_run(values, late, kind=stream), n=2) * 40**2
    # A step in acceleration would show as a difference that does not shrink with the time step.
    assert np.abs(np.diff(acceleration)).max() < 2000.0 / 40 * max(np.ptp(values), 1e-3) + 1e-6


@EACH_STREAM
@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_position_velocity_and_acceleration_go_on_where_a_chunk_is_replaced(
    stream: type[SplineStream], seed: int
) -> None:
    """Rows of one chunk, then rows of another that disagrees: a step of the targets, and none in the path."""
    rng = np.random.default_rng(seed)
    old, new = np.cumsum(rng.normal(0, 0.01, (2, 12, 1)), axis=1)
    rows = [*old, *(new + rng.normal(0, 0.05))]
    path = {}
    for updates in (40, 80):
        machine = stream(rows[0])
        path[updates] = []
        for row in rows:
            machine.push(row)
            path[updates] += [machine.advance(1.0 / updates)[0] for _ in range(updates)]
    for order in (1, 2):  # what is continuous changes half as much in half the time
        change = {n: np.abs(np.diff(p, n=order + 1)).max() * n**order for n, p in path.items()}
        assert change[80] < 0.6 * change[40] + 1e-9


@EACH_STREAM
@pytest.mark.parametrize("rate_hz", [100.0, 1000.0])
@settings(max_examples=4)
@given(st.integers(0, 10_000))
def test_tools_turn_with_a_continuous_speed_and_acceleration(
    stream: type[SplineStream], rate_hz: float, seed: int
) -> None:
    """On SO(3): a step of the angular velocity or acceleration would not shrink with the time between updates."""
    rng = np.random.default_rng(seed)
    turns = np.cumsum(rng.normal(0, 0.08, (10, 3)), axis=0)
    targets = [ToolPoses(np.zeros((1, 3)), np.array([rotation_wxyz.from_rotation_vector(t)])) for t in turns]
    share, largest = 10.0 / rate_hz, []
    for part in (share, share / 2):
        interpolator = TickInterpolator(targets[0], stream)
        path = []
        for target in targets:
            interpolator.push(target)
            path += [interpolator.advance(part).quaternions[0].tolist() for _ in range(round(1.0 / part))]
        speeds = np.array([rotation_wxyz.difference(b, a) for a, b in pairwise(path)]) / part
        largest.append([np.abs(np.diff(speeds, n=n, axis=0)).max() / part ** (n - 1) for n in (1, 2)])
    coarse, fine = np.array(largest)
    assert (fine < 0.7 * coarse + 1e-6).all()


@given(points)
def test_the_quintic_stream_meets_every_target_one_tick_late(values: list[float]) -> None:
    np.testing.assert_allclose(_run(values, [0], kind=QuinticStream)[39::40], values, atol=1e-9)


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
    back = rotation_wxyz.to_rotation_vector(rotation_wxyz.from_rotation_vector(vector))
    angle = np.linalg.norm(vector)
    if angle <= np.pi:
        np.testing.assert_allclose(back, vector, atol=1e-7)
    assert np.linalg.norm(back) <= np.pi + 1e-9
