"""A goal of `follow_joint_trajectory` read as joint_trajectory_controller reads it, or refused as it refuses.

stamp 0, or to come     |-----x----x-----x       all of it, now or then
a little late           .|-----x----x-----x      all of it, now
later than that          x    |----x-----x       what is left of it, from where the arms are
all of it is over        x    x     x   |        refused
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from segue_control.planning.given import Given, joint_columns
from segue_core.arrays import Floats
from segue_core.errors import ControlError, ErrorCode
from segue_core.figures import told_apart

ARRIVED_RAD = 0.03  # as of other planned moves
_SETTLE_S, _FOREVER_S = 3.0, 3600.0
_LATE_S = 0.5
_NONE = -1.0  # a tolerance that erases the default


@dataclass(frozen=True, eq=False)
class Wanted:
    """What a goal asks for; joints in the robot's order.

    Args:
        begins_s: seconds until it begins.
        path, arrived: tolerances (n,) [rad] on the way and at the end, inf for none.
        settle_s: time to be at the end after the last point.
        times: of the points that the client sent, from the beginning [s].
        unwatched: what it asks for besides, which nobody watches here.
    """

    given: Given
    begins_s: float
    path: Floats
    arrived: Floats
    settle_s: float
    times: Floats
    unwatched: tuple[str, ...] = ()


def read_goal(goal: Any, robot_names: tuple[str, ...], now_s: float) -> Wanted:
    """The goal, at `now_s` of the clock of its stamp.

    Raises:
        ControlError: points of wrong lengths, times that do not increase, numbers that are not finite, an effort,
            joints of several freedoms, a tolerance that is none, a start that is too far, or its end is over.
        ConfigError: a joint that the robot has not.
    """
    if goal.multi_dof_trajectory.joint_names:
        got = ", ".join(goal.multi_dof_trajectory.joint_names)
        raise ControlError(ErrorCode.CONTROL_WRONG_SHAPE, "trajectory: joints of several freedoms", got=got)
    whole = given_of(goal.trajectory)
    joint_columns(whole.names, robot_names)
    stamp = goal.trajectory.header.stamp
    start_s = stamp.sec + stamp.nanosec * 1e-9
    begins_s = start_s - now_s if start_s else 0.0
    if begins_s > _FOREVER_S:
        got, most = told_apart(begins_s, _FOREVER_S)
        raise ControlError(
            ErrorCode.CONTROL_COMMAND_STALE,
            "trajectory: its start",
            got=f"in {got} s",
            expected=f"within {most} s",
        )
    given = whole if begins_s >= -_LATE_S else left_of(whole, -begins_s)
    more = goal.goal_time_tolerance
    told = (*goal.path_tolerance, *goal.goal_tolerance)
    return Wanted(
        given,
        max(0.0, begins_s),
        _tolerances(goal.path_tolerance, robot_names, np.inf),
        _tolerances(goal.goal_tolerance, robot_names, ARRIVED_RAD),
        min(_tolerance("goal_time_tolerance", more.sec + more.nanosec * 1e-9, _SETTLE_S), _FOREVER_S),
        whole.times - (whole.times[-1] - given.times[-1]),
        tuple(
            f"{kind} of {one.name}"
            for one in told
            for kind in ("velocity", "acceleration")
            if getattr(one, kind) > 0
        ),
    )


def given_of(message: Any) -> Given:
    """The trajectory of a trajectory_msgs/JointTrajectory.

    Speeds and accelerations count where every point has them. Raises ControlError as `read_goal`.
    """
    names, points = tuple(message.joint_names), message.points
    times = np.array([p.time_from_start.sec + p.time_from_start.nanosec * 1e-9 for p in points])

    def table(field: str) -> Floats | None:
        rows = [list(getattr(point, field)) for point in points]
        if {len(row) for row in rows} - {0, len(names)}:
            got = ", ".join(str(len(row)) for row in rows[:5])
            text = f"trajectory: {field} per point"
            raise ControlError(ErrorCode.CONTROL_WRONG_SHAPE, text, got=got, expected=len(names))
        return np.array(rows, dtype=np.float64) if rows and all(rows) else None

    positions = table("positions")
    if positions is None:
        expected = "one per joint and point"
        raise ControlError(
            ErrorCode.CONTROL_WRONG_SHAPE, "trajectory: positions are missing", expected=expected
        )
    if any(len(point.effort) for point in points):
        raise ControlError(
            ErrorCode.CONTROL_WRONG_SHAPE, "trajectory: effort", expected="none: the arms take positions"
        )
    return Given(names, times, positions, table("velocities"), table("accelerations"))


def left_of(given: Given, passed_s: float) -> Given:
    """What is left of a trajectory that began `passed_s` ago; ControlError when nothing is."""
    ahead = given.times > passed_s
    if not ahead.any():
        got = f"{passed_s - given.times[-1]:.1f} s ago"
        raise ControlError(
            ErrorCode.CONTROL_COMMAND_STALE, "trajectory: its end", got=got, expected="now or later"
        )
    rest = (None if v is None else v[ahead] for v in (given.speeds, given.accelerations))
    return Given(given.names, given.times[ahead] - passed_s, given.positions[ahead], *rest)


def _tolerances(told: Any, names: tuple[str, ...], default: float) -> Floats:
    """Of every joint (n,) [rad]."""
    found = np.full(len(names), default)
    for one in told:
        (column,) = joint_columns([one.name], names)
        found[column] = _tolerance(f"tolerance of {one.name}", one.position, default)
    return found


def _tolerance(what: str, value: float, default: float) -> float:
    """0 is the default, -1 none (inf)."""
    if value == _NONE:
        return np.inf
    if not 0.0 <= value < np.inf:
        expected = "more than 0, 0 for the default, or -1 for none"
        raise ControlError(ErrorCode.CONTROL_LIMIT, f"trajectory: {what}", got=value, expected=expected)
    return value or default
