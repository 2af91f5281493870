"""Goals of `follow_joint_trajectory` mean what they mean to joint_trajectory_controller, and are refused as it refuses.

Its rules are those of ros2_controllers 94e74de: doc/userdoc.rst, tolerances.hpp, and what it checks of a message.
"""

from types import SimpleNamespace as Message
from typing import Any

import numpy as np
import pytest

from segue_control.planning.trajectory_goal import ARRIVED_RAD, Wanted, read_goal
from segue_core.errors import ConfigError, ControlError, ErrorCode

NAMES = ("a1", "a2", "a3")
NOW_S = 100.0


def _time(seconds: float) -> Message:
    whole = int(np.floor(seconds))
    return Message(sec=whole, nanosec=round((seconds - whole) * 1e9))


def _point(seconds: float, *positions: float, **more: list[float]) -> Message:
    fields = {"positions": list(positions), "velocities": [], "accelerations": [], "effort": []} | more
    return Message(time_from_start=_time(seconds), **fields)


def _tolerance(name: str, position: float = 0.0, velocity: float = 0.0) -> Message:
    return Message(name=name, position=position, velocity=velocity, acceleration=0.0)


WAY = (_point(1.0, 0.1, 0.2), _point(2.0, 0.2, 0.3), _point(3.0, 0.3, 0.4))


def _goal(
    points: tuple[Message, ...] = WAY,
    names: tuple[str, ...] = ("a3", "a1"),
    start_s: float = 0.0,
    multi: tuple[str, ...] = (),
    path: tuple[Message, ...] = (),
    end: tuple[Message, ...] = (),
    settle_s: float = 0.0,
) -> Message:
    trajectory = Message(header=Message(stamp=_time(start_s)), joint_names=list(names), points=list(points))
    return Message(
        trajectory=trajectory,
        multi_dof_trajectory=Message(joint_names=list(multi)),
        path_tolerance=list(path),
        goal_tolerance=list(end),
        goal_time_tolerance=_time(settle_s),
    )


def _read(**said: Any) -> Wanted:
    return read_goal(_goal(**said), NAMES, NOW_S)


def test_a_goal_may_name_some_of_the_joints_in_any_order_and_begins_now_without_a_stamp() -> None:
    """As with allow_partial_joints_goal: the others hold."""
    wanted = _read()
    assert (wanted.given.names, wanted.begins_s) == (("a3", "a1"), 0.0)
    np.testing.assert_array_equal(wanted.given.times, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"points": ()}, ErrorCode.CONTROL_WRONG_SHAPE),
        ({"names": (), "points": (_point(1.0),)}, ErrorCode.CONTROL_WRONG_SHAPE),
        ({"names": ("a1", "elbow")}, ErrorCode.CONFIG_UNKNOWN_NAME),
        ({"names": ("a1", "a1")}, ErrorCode.CONTROL_WRONG_SHAPE),
        ({"points": (_point(1.0, 0.1),)}, ErrorCode.CONTROL_WRONG_SHAPE),
        ({"points": (_point(1.0, velocities=[0.1, 0.1]),)}, ErrorCode.CONTROL_WRONG_SHAPE),
        ({"points": (_point(1.0, 0.1, 0.1, velocities=[0.0]),)}, ErrorCode.CONTROL_WRONG_SHAPE),
        ({"points": (_point(1.0, 0.1, 0.1, effort=[1.0, 1.0]),)}, ErrorCode.CONTROL_WRONG_SHAPE),
        ({"points": (WAY[1], WAY[0])}, ErrorCode.CONTROL_WRONG_SHAPE),
        ({"points": (WAY[0], WAY[0])}, ErrorCode.CONTROL_WRONG_SHAPE),
        ({"points": (_point(1.0, 0.1, float("nan")),)}, ErrorCode.CONTROL_NOT_FINITE),
        ({"multi": ("base",)}, ErrorCode.CONTROL_WRONG_SHAPE),
        ({"start_s": NOW_S - 3.1}, ErrorCode.CONTROL_COMMAND_STALE),
        ({"path": (_tolerance("elbow", 0.1),)}, ErrorCode.CONFIG_UNKNOWN_NAME),
        ({"path": (_tolerance("a1", -0.5),)}, ErrorCode.CONTROL_LIMIT),
        ({"end": (_tolerance("a1", float("nan")),)}, ErrorCode.CONTROL_LIMIT),
        ({"settle_s": -2.0}, ErrorCode.CONTROL_LIMIT),
        ({"start_s": NOW_S + 2.0**30}, ErrorCode.CONTROL_COMMAND_STALE),
    ],
)
def test_what_a_trajectory_controller_refuses_is_refused(said: dict[str, Any], code: ErrorCode) -> None:
    with pytest.raises((ControlError, ConfigError)) as refusal:
        _read(**said)
    assert refusal.value.code == code


def test_tolerances_of_0_are_the_default_and_of_minus_1_none() -> None:
    """A time tolerance of -1 s once ended goals a second before the end of their way."""
    path = (_tolerance("a2", 0.1), _tolerance("a3", -1.0))
    end = (_tolerance("a1", -1.0), _tolerance("a2", 0.2), _tolerance("a3"))
    wanted = _read(path=path, end=end, settle_s=-1.0)
    np.testing.assert_array_equal(wanted.path, [np.inf, 0.1, np.inf])
    np.testing.assert_array_equal(wanted.arrived, [np.inf, 0.2, ARRIVED_RAD])
    assert wanted.settle_s > 1000.0
    assert _read(settle_s=0.5).settle_s == 0.5 and 0.0 < _read().settle_s < 10.0


def test_tolerances_that_nobody_watches_are_named() -> None:
    assert _read(path=(_tolerance("a1", 0.1, velocity=0.2),)).unwatched == ("velocity of a1",)


def test_a_trajectory_that_has_begun_is_followed_from_where_it_is_now() -> None:
    wanted = _read(start_s=NOW_S - 1.5)
    np.testing.assert_allclose(wanted.given.times, [0.5, 1.5])
    np.testing.assert_array_equal(wanted.given.positions, [[0.2, 0.3], [0.3, 0.4]])
    np.testing.assert_allclose(wanted.times, [-0.5, 0.5, 1.5])  # of all points, for the feedback's index


def test_a_trajectory_that_is_a_little_late_is_followed_whole_and_one_to_come_waits() -> None:
    assert len(_read(start_s=NOW_S - 0.3).given.times) == 3 and _read(start_s=NOW_S - 0.3).begins_s == 0.0
    assert _read(start_s=NOW_S + 2.0).begins_s == pytest.approx(2.0)


def test_speeds_that_only_some_points_have_are_left_out() -> None:
    points = (_point(1.0, 0.1, 0.2, velocities=[0.1, 0.1]), _point(2.0, 0.2, 0.3))
    assert _read(points=points).given.speeds is None
    full = (points[0], _point(2.0, 0.2, 0.3, velocities=[0.0, 0.0]))
    np.testing.assert_array_equal(_read(points=full).given.speeds, [[0.1, 0.1], [0.0, 0.0]])
