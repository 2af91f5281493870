"""The action `segue/follow_joint_trajectory`, as joint_trajectory_controller has it: MoveIt and others move the robot.

A trajectory goes the way of every planned move: armed, streamed a row per tick through the controller and its guard,
owned by this node until its end, disarmed. The newest goal wins: the one before ends as aborted, the arms come to rest,
and the new one begins there. Needs control_msgs: of a ROS 2 install, or built from overlay/ by `./segue setup`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.duration import Duration
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectoryPoint

from segue_control.planning.given import rows_of
from segue_control.planning.trajectory_goal import Wanted, read_goal
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.limits import joint_limits
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ControlError, ErrorCode, SegueError
from segue_core.figures import told_apart
from segue_ros.joint_states import JointSample
from segue_ros.rejections import TellingServer
from segue_ros.waiting import until

NAME = "segue/follow_joint_trajectory"
LAG_TICKS = 3  # as of other planned moves
_FOREVER_S = 3600.0
_NOT_THERE = "did not get there"


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

    def errors(self, goal: Floats) -> Floats:
        """How far every joint (n,) is from `goal` (n,) [rad]."""
        ...

    async def ready(self) -> JointSample:
        """Where the arms are, once nobody else has the robot; ControlError when somebody has."""
        ...

    async def carry_out(
        self,
        rows: Floats,
        grippers: Floats,
        tolerance: Floats,
        look: Callable[[int], str],
        settle_s: float = ...,
    ) -> None:
        """Arm, stream rows (R, n) until the arms are at the last, disarm; ControlError when they are not."""
        ...


def create(node: Node, mover: Mover) -> TrajectoryServer | None:
    """The server; None, and a line in the log, where control_msgs is not installed."""
    if find_spec("control_msgs") is None:
        do = "./segue setup builds it; with a ROS 2 install, apt install ros-$ROS_DISTRO-control-msgs"
        node.get_logger().info(f"no control_msgs, so no action {NAME}: {do}")
        return None
    return TrajectoryServer(node, mover, import_module("control_msgs.action").FollowJointTrajectory)


class TrajectoryServer:
    """One goal at a time, beside the mover's own."""

    def __init__(self, node: Node, mover: Mover, action: Any) -> None:
        self._node, self._mover, self._action = node, mover, action
        kinematics = Kinematics(mover.robot)
        self._limits = joint_limits(mover.robot, kinematics.low, kinematics.high)
        self._newest: ServerGoalHandle | None = None
        self._server = TellingServer(
            node,
            action,
            NAME,
            self._execute,
            self._admit,
            callback_group=ReentrantCallbackGroup(),
        )

    def destroy(self) -> None:
        """Serve no more."""
        self._server.destroy()

    def _admit(self, goal: Any) -> None:
        """Raises SegueError at once for what cannot be followed."""
        if self._newest is None:
            self._mover.refuse_company()
        wanted = self._read(goal)
        self._rows(wanted, self._mover.sample().q)
        if wanted.unwatched:
            self._node.get_logger().warning(f"tolerances that nobody watches: {', '.join(wanted.unwatched)}")

    def _read(self, goal: Any) -> Wanted:
        now_s = self._node.get_clock().now().nanoseconds * 1e-9
        return read_goal(goal, self._mover.robot.joint_names, now_s)

    def _rows(self, wanted: Wanted, q: Floats) -> Floats:
        robot = self._mover.robot
        return rows_of(wanted.given, q, robot.joint_names, self._limits, robot.tick_rate_hz)

    async def _execute(self, handle: ServerGoalHandle) -> Any:
        self._newest = handle
        going = _Going(self._node, self._mover, self._action, handle, lambda: self._newest is not handle)
        try:
            await until(self._node, lambda: not self._mover.busy or bool(going.why_end()), _FOREVER_S)
            await self._follow(going)
        except SegueError as error:
            self._node.get_logger().warning(str(error))
            result = self._action.Result(error_code=going.code(error), error_string=going.told(error))
            handle.canceled() if handle.is_cancel_requested else handle.abort()
            return result
        finally:
            self._newest = self._newest if self._newest is not handle else None
        handle.succeed()
        return self._action.Result(error_string="the arms are at the end of the trajectory")

    async def _follow(self, going: _Going) -> None:
        going.refuse_end()
        node, mover = self._node, self._mover
        mover.refuse_company()
        mover.busy = True
        try:
            wanted = self._read(going.handle.request)
            sample = await mover.ready()
            begins_ns = node.get_clock().now().nanoseconds + round(wanted.begins_s * 1e9)
            rows = self._rows(wanted, sample.q)

            def due() -> bool:
                return bool(going.why_end()) or node.get_clock().now().nanoseconds >= begins_ns

            await until(node, due, _FOREVER_S)
            going.refuse_end()
            look = going.along(rows, wanted)
            await mover.carry_out(rows, sample.grippers, wanted.arrived, look, wanted.settle_s)
        finally:
            mover.busy = False


@dataclass(eq=False)
class _Going:
    """A goal that is worked on. `replaced` says whether there is a newer one."""

    node: Node
    mover: Mover
    action: Any
    handle: ServerGoalHandle
    replaced: Callable[[], bool]
    off: str = ""  # how it left its path

    def why_end(self) -> str:
        """Why it must not go on, or nothing."""
        if self.handle.is_cancel_requested:
            return "it was cancelled"
        return "a newer trajectory takes its place" if self.replaced() else ""

    def refuse_end(self) -> None:
        """Raises ControlError when it must not go on."""
        if why := self.why_end():
            raise ControlError(ErrorCode.CONTROL_NOT_ARMED, f"{why} before it began")

    def code(self, error: SegueError) -> int:
        """The action's own code for how it ended; a cancelled goal has none, as from joint_trajectory_controller."""
        codes = self.action.Result
        if self.handle.is_cancel_requested:
            return int(codes.SUCCESSFUL)
        if self.off:
            return int(codes.PATH_TOLERANCE_VIOLATED)
        return int(codes.GOAL_TOLERANCE_VIOLATED if _NOT_THERE in error.text else codes.INVALID_GOAL)

    def told(self, error: SegueError) -> str:
        """What the client is told of how it ended."""
        cancelled = self.handle.is_cancel_requested
        return f"cancelled by its client: {error.text}" if cancelled else error.advised

    def along(self, rows: Floats, wanted: Wanted) -> Callable[[int], str]:
        """Looks after it on its way along rows (R, n): tells the client, says why the move must end."""
        names, rate_hz = self.mover.robot.joint_names, self.mover.robot.tick_rate_hz
        speeds = np.gradient(rows, 1.0 / rate_hz, axis=0) if len(rows) > 1 else np.zeros_like(rows)

        def look(tick: int) -> str:
            at = min(max(0, tick - LAG_TICKS), len(rows) - 1)
            index = min(int(np.searchsorted(wanted.times, at / rate_hz, side="right")), len(wanted.times) - 1)
            self._tell(rows[at], speeds[at], at / rate_hz, index)
            if why := self.why_end():
                return why
            errors = self.mover.errors(rows[at])
            worst = int((errors - wanted.path).argmax())
            if errors[worst] > wanted.path[worst]:
                off, most = told_apart(errors[worst], wanted.path[worst], 4)
                self.off = f"{names[worst]} is {off} rad off its path, allowed {most}"
            return self.off

        return look

    def _tell(self, wanted: Floats, speeds: Floats, seconds: float, index: int) -> None:
        sample = self.mover.sample()
        time = Duration(seconds=seconds).to_msg()
        feedback = self.action.Feedback(joint_names=list(self.mover.robot.joint_names))
        feedback.header.stamp = self.node.get_clock().now().to_msg()
        feedback.desired = _point(wanted, speeds, time)
        feedback.actual = _point(sample.q, sample.v, time)
        feedback.error = _point(wanted - sample.q, None if sample.v is None else speeds - sample.v, time)
        if hasattr(feedback, "index"):  # since control_msgs 6.3
            feedback.index = index
        self.handle.publish_feedback(feedback)


def _point(positions: Floats, speeds: Floats | None, time: Any) -> JointTrajectoryPoint:
    velocities = [] if speeds is None else speeds.tolist()
    return JointTrajectoryPoint(positions=positions.tolist(), velocities=velocities, time_from_start=time)
