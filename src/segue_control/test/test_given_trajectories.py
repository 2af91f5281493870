"""Trajectories of others: followed from where the arms are, or refused for what no robot should be told."""

import numpy as np
import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from segue_control.planning.given import Given, rows_of
from segue_control.robot.limits import JointLimits
from segue_core.errors import ConfigError, ControlError

NAMES = ("a1", "a2", "a3")
LIMITS = JointLimits(np.full(3, -2.0), np.full(3, 2.0), np.full(3, 1.0), np.full(3, 10.0), np.full(3, 1e3))
RATE_HZ = 30.0
HERE = np.array([0.1, 0.2, 0.3])


def _rows(given: Given) -> np.ndarray:
    return rows_of(given, HERE, NAMES, LIMITS, RATE_HZ)


def _given(
    names: tuple[str, ...], times: list[float], positions: list[list[float]], **more: np.ndarray
) -> Given:
    return Given(names, np.array(times), np.array(positions), **more)


@forall(st.permutations(NAMES), st.integers(1, 3), st.floats(0.4, 2.0), st.booleans())
def test_rows_begin_where_the_arms_are_end_at_the_goal_and_leave_unnamed_joints_alone(
    order: list[str], count: int, seconds: float, timed: bool
) -> None:
    names = tuple(order[:count])
    columns = [NAMES.index(name) for name in names]
    goal = HERE[columns] + 0.2
    times, positions = ([0.0, seconds], [HERE[columns], goal]) if timed else ([seconds], [goal])
    rows = _rows(_given(names, times, [list(row) for row in positions]))
    np.testing.assert_allclose(rows[0], HERE)
    np.testing.assert_allclose(rows[-1][columns], goal, atol=1e-9)
    others = [column for column in range(3) if column not in columns]
    np.testing.assert_array_equal(rows[:, others], np.tile(HERE[others], (len(rows), 1)))
    assert len(rows) == int(np.ceil(seconds * RATE_HZ - 1e-9)) + 1


def test_speeds_and_accelerations_shape_the_way_between_the_points() -> None:
    zero = np.zeros((2, 1))
    times = np.array([0.0, 1.0])
    positions = np.array([[0.1], [0.3]])
    cubic = _rows(Given(("a1",), times, positions, zero))
    quintic = _rows(Given(("a1",), times, positions, zero, zero))
    middle = len(cubic) // 4
    assert cubic[middle, 0] != pytest.approx(quintic[middle, 0], abs=1e-3)
    for rows in (cubic, quintic):
        assert (np.diff(rows[:, 0]) >= -1e-12).all()


@pytest.mark.parametrize(
    ("names", "times", "positions", "says"),
    [
        (("a1", "b7"), [1.0], [[0.2, 0.0]], "b7"),
        (("a1", "a1"), [1.0], [[0.2, 0.2]], "joint names"),
        (("a1",), [0.0, 1.0], [[0.5], [0.6]], "start"),
        (("a1",), [1.0, 1.0], [[0.2], [0.3]], "times"),
        (("a1",), [-1.0, 1.0], [[0.1], [0.3]], "times"),
        (("a1",), [10.0], [[2.5]], "position limits.*a1"),
        (("a2",), [0.1], [[1.2]], "speed.*a2"),
        (("a1",), [1.0], [[float("nan")]], "not finite"),
        (("a1",), [2.0**31], [[0.2]], "its length; got 2147483648 s; expected 600 s or less"),
        (("a1",), [float("nan")], [[0.2]], "its length; got nan s"),
        (("a1", "a2"), [1.0], [[0.2]], "positions"),
    ],
)
def test_a_trajectory_that_no_robot_should_follow_is_refused_with_the_joint(
    names: tuple[str, ...], times: list[float], positions: list[list[float]], says: str
) -> None:
    with pytest.raises((ControlError, ConfigError), match=says):
        _rows(_given(names, times, positions))


def test_a_trajectory_that_ends_in_motion_is_refused() -> None:
    with pytest.raises(ControlError, match="at its end"):
        _rows(_given(("a1",), [0.0, 1.0], [[0.1], [0.3]], speeds=np.array([[0.0], [0.4]])))
