"""The action `segue/follow_joint_trajectory`, as joint_trajectory_controller has it: MoveIt and others move the robot.

A trajectory goes the way of every planned move: armed, streamed a row per tick through the controller and its guard,
owned by this node until its end, disarmed. Needs control_msgs, which is part of a ROS 2 install.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectoryPoint

from segue_control.kinematics import Kinematics
from segue_control.limits import joint_limits
from segue_control.planning.given import Given, joint_columns, rows_of
from segue_core.errors import ControlError, ErrorCode, SegueError
from segue_core.robot_config import RobotConfig
from segue_ros import ticks
from segue_ros.joint_states import JointSample
from segue_ros.waiting import until

Array = NDArray[np.float64]

NAME = "segue/follow_joint_trajectory"
ARRIVED_RAD, LAG_TICKS = 0.03, 3  # as of other planned moves
_SETTLE_S, _LATE_S, _FOREVER_S = 3.0, 0.5, 3600.0
_PATH, _GOAL = "it left its path", "did not get there"


class Mover(Protocol):
    """What carries moves out, one at a time; `busy` while it does. All in the node's thread."""

    robot: RobotConfig
    busy: bool

    def refuse_company(self) -> None:
        """Raises ControlError when no move may begin now."""
        ...

    def sample(self) -> JointSample:
        """The newest measured joints; ControlError when there are none."""
        ...

    def errors(self, goal: Array) -> Array:
        """How far every joint (n,) is from `goal` (n,) [rad]."""
        ...

    async def ready(self) -> JointSample:
        """Where the arms are, once nobody else has the robot; ControlError when somebody has."""
        ...

    async def carry_out(
        self,
        rows: Array,
        grippers: Array,
        tolerance: Array,
        look: Callable[[int], str],
        settle_s: float = ...,
    ) -> None:
        """Arm, stream rows (R, n) until the arms are at the last, disarm; ControlError when they are not."""
        ...


def create(node: Node, mover: Mover) -> TrajectoryServer | None:
    """The server; None, and a line in the log, where control_msgs is not installed."""
    if find_spec("control_msgs") is None:
        text = f"no control_msgs, so no action {NAME}: apt install ros-$ROS_DISTRO-control-msgs"
        node.get_logger().info(text)
        return None
    return TrajectoryServer(node, mover, import_module("control_msgs.action").FollowJointTrajectory)


class TrajectoryServer:
    """One goal at a time, beside the mover's own."""

    def __init__(self, node: Node, mover: Mover, action: Any) -> None:
        self._node, self._mover, self._action = node, mover, action
        kinematics = Kinematics(mover.robot)
        self._limits = joint_limits(mover.robot, kinematics.low, kinematics.high)
        self._server = ActionServer(
            node,
            action,
            NAME,
            self._execute,
            goal_callback=self._on_goal,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def destroy(self) -> None:
        """Serve no more."""
        self._server.destroy()

    def _on_goal(self, goal: Any) -> GoalResponse:
        """Rejects at once what cannot be followed, the reason in the log."""
        try:
            self._mover.refuse_company()
            self._rows(goal, self._mover.sample().q)
            self._delay_s(goal)
            self._tolerances(goal.path_tolerance, np.inf)
            self._tolerances(goal.goal_tolerance, ARRIVED_RAD)
        except SegueError as error:
            self._node.get_logger().error(f"trajectory rejected: {error}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _rows(self, goal: Any, q: Array) -> Array:
        if goal.multi_dof_trajectory.joint_names:
            got = ", ".join(goal.multi_dof_trajectory.joint_names)
            raise ControlError(
                ErrorCode.CONTROL_WRONG_SHAPE, "trajectory: joints of several freedoms", got=got
            )
        robot = self._mover.robot
        return rows_of(given_of(goal.trajectory), q, robot.joint_names, self._limits, robot.tick_rate_hz)

    def _delay_s(self, goal: Any) -> float:
        """Seconds until it starts; ControlError when that is over."""
        start_ns = ticks.nanoseconds(goal.trajectory.header.stamp)
        delay_s = (start_ns - self._node.get_clock().now().nanoseconds) * 1e-9 if start_ns else 0.0
        if delay_s < -_LATE_S:
            got = f"{-delay_s:.1f} s ago"
            raise ControlError(
                ErrorCode.CONTROL_COMMAND_STALE, "trajectory: start", got=got, expected="now or later"
            )
        return max(0.0, delay_s)

    def _tolerances(self, told: Any, default: float) -> Array:
        """Of every joint (n,) [rad]: 0 means the default, -1 none."""
        names = self._mover.robot.joint_names
        found = np.full(len(names), default)
        for one in told:
            (column,) = joint_columns([one.name], names)
            if one.position:
                found[column] = np.inf if one.position < 0 else one.position
        return found

    async def _execute(self, handle: ServerGoalHandle) -> Any:
        node, mover, goal = self._node, self._mover, handle.request
        result = self._action.Result
        try:
            mover.refuse_company()
        except ControlError as error:
            handle.abort()
            return result(error_code=result.INVALID_GOAL, error_string=error.text)
        mover.busy = True
        try:
            await self._follow(handle, goal)
        except SegueError as error:
            node.get_logger().warning(str(error))
            handle.canceled() if handle.is_cancel_requested else handle.abort()
            return result(error_code=self._code(error), error_string=error.text)
        finally:
            mover.busy = False
        handle.succeed()
        return result(error_code=result.SUCCESSFUL, error_string="the arms are at the end of the trajectory")

    def _code(self, error: SegueError) -> int:
        """The nearest of the action's own codes."""
        result = self._action.Result
        if _PATH in error.text or (error.code in range(300, 400) and _GOAL not in error.text):
            return int(result.PATH_TOLERANCE_VIOLATED)
        return int(result.GOAL_TOLERANCE_VIOLATED if _GOAL in error.text else result.INVALID_GOAL)

    async def _follow(self, handle: ServerGoalHandle, goal: Any) -> None:
        node, mover, delay_s = self._node, self._mover, self._delay_s(goal)
        sample = await mover.ready()
        start_ns = node.get_clock().now().nanoseconds + round(delay_s * 1e9)
        rows = self._rows(goal, sample.q)
        path = self._tolerances(goal.path_tolerance, np.inf)
        arrived = self._tolerances(goal.goal_tolerance, ARRIVED_RAD)
        more = goal.goal_time_tolerance
        settle_s = more.sec + more.nanosec * 1e-9 or _SETTLE_S
        due = await until(node, lambda: self._due(handle, start_ns), _FOREVER_S)
        if not due or handle.is_cancel_requested:
            raise ControlError(ErrorCode.CONTROL_NOT_ARMED, "cancelled before it began")

        def look(tick: int) -> str:
            wanted = rows[min(max(0, tick - LAG_TICKS), len(rows) - 1)]
            self._tell(handle, wanted)
            if handle.is_cancel_requested:
                return "it was cancelled"
            off = mover.errors(wanted) - path
            worst = int(off.argmax())
            return f"{_PATH}: {mover.robot.joint_names[worst]}" if off[worst] > 0 else ""

        await mover.carry_out(rows, sample.grippers, arrived, look, settle_s)

    def _due(self, handle: ServerGoalHandle, start_ns: int) -> bool:
        return bool(handle.is_cancel_requested) or self._node.get_clock().now().nanoseconds >= start_ns

    def _tell(self, handle: ServerGoalHandle, wanted: Array) -> None:
        measured = self._mover.sample().q
        feedback = self._action.Feedback(joint_names=list(self._mover.robot.joint_names))
        feedback.header.stamp = self._node.get_clock().now().to_msg()
        feedback.desired = JointTrajectoryPoint(positions=wanted.tolist())
        feedback.actual = JointTrajectoryPoint(positions=measured.tolist())
        feedback.error = JointTrajectoryPoint(positions=(wanted - measured).tolist())
        handle.publish_feedback(feedback)


def given_of(message: Any) -> Given:
    """The trajectory of a trajectory_msgs/JointTrajectory.

    Raises:
        ControlError: points of different or wrong lengths, times that do not increase, numbers that are not finite.
    """
    names, points = tuple(message.joint_names), message.points
    times = np.array([p.time_from_start.sec + p.time_from_start.nanosec * 1e-9 for p in points])

    def table(field: str) -> Array | None:
        rows = [list(getattr(point, field)) for point in points]
        if not any(rows):
            return None
        if {len(row) for row in rows} != {len(names)}:
            got = ", ".join(str(len(row)) for row in rows[:5])
            raise ControlError(
                ErrorCode.CONTROL_WRONG_SHAPE, f"trajectory: {field} per point", got=got, expected=len(names)
            )
        return np.array(rows, dtype=np.float64)

    positions = table("positions")
    if positions is None:
        raise ControlError(
            ErrorCode.CONTROL_WRONG_SHAPE, "trajectory: no positions", expected="one per joint and point"
        )
    return Given(names, times, positions, table("velocities"), table("accelerations"))
