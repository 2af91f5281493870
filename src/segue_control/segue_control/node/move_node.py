"""The mover node: takes the arms to a named pose, or along a trajectory, through the controller and its guard."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from pydantic import Field
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.client import Client
from rclpy.wait_for_message import wait_for_message
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

from segue_control.node import trajectory_server
from segue_control.node.planner import create_planner
from segue_control.node.scene_messages import scene_from_msg
from segue_control.planning.scene import contract_scene
from segue_control.planning.trajectory import SLOWEST
from segue_control.targets.joint_targets import JointCodec
from segue_control.targets.row_stream import RowStream
from segue_core import wire
from segue_core.arrays import Floats
from segue_core.contracts.base import StrictModel
from segue_core.contracts.files import load_robot
from segue_core.errors import ConfigError, ControlError, ErrorCode, SegueError, told_code
from segue_core.figures import told_apart
from segue_core.lease import Lease
from segue_interfaces.action import MoveTo
from segue_interfaces.msg import RobotCommand, SafetyState
from segue_interfaces.srv import Arm
from segue_ros import conversions, parameters, qos, sole_sender
from segue_ros.goals import hear_leases
from segue_ros.joint_states import JointSample, JointStateReader
from segue_ros.lifecycle import LifecycleComponent, run
from segue_ros.rejections import TellingServer
from segue_ros.waiting import call, until

ARRIVED_RAD = 0.03  # a position-controlled arm sags a little
LAG_TICKS = 3  # the controller's spline is two ticks behind the rows, the measured joints one more
_SETTLE_S = 3.0
_ROUNDING = 1e-6  # of a number on the wire
_PATIENCE_S = 5.0
_LEASE_S = 1.0  # a client that kept its lease and is silent for so long is gone
_DISARMED_S, _REST_S = 1.0, 5.0  # with whoever had the robot before, and with arms that brake
_STILL_RAD, _STILL_NS = 1e-3, 100_000_000
_FOREVER_S = 3600.0
_DESCRIPTION_S = 10.0
_NO_REASON = "somebody disarmed the robot, or another node than the controller says so on segue/safety"


class MoverParameters(StrictModel):
    """Parameters of the mover node."""

    robot_file: str = Field(description="path of the robot's YAML file")
    planner: str = Field(
        default="built_in", description="built_in, moveit, or auto: moveit where it is installed"
    )


class MoverNode(LifecycleComponent):
    """Node `mover`; see README.md for its topics."""

    def __init__(self) -> None:
        super().__init__("mover")

    def setup(self) -> None:
        """Build the planner and the connections."""
        given = parameters.declare(self, MoverParameters)
        self.robot = load_robot(given.robot_file)
        self._planner = create_planner(self.robot, given.planner, self._urdf, self.get_namespace())
        self._codec = JointCodec(self.robot)
        self._reader = JointStateReader(self.robot)
        self._measured: JointSample | None = None
        self._safety: SafetyState | None = None
        self._scene = contract_scene(self.robot)
        self._stream: RowStream | None = None
        self.busy, self._moves = False, 0
        self._goal_id, self._lease = b"", Lease(_LEASE_S, False, time.monotonic())
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._connect()

    def _urdf(self) -> str:
        """The description that the graph's state_publisher tells everybody, at the start."""
        told, message = wait_for_message(
            String, self, "robot_description", qos_profile=qos.LATCHED, time_to_wait=_DESCRIPTION_S
        )
        if not told or message is None:
            topic = self.resolve_topic_name("robot_description")
            text = f"planner 'moveit': nobody published {topic} in {_DESCRIPTION_S:g} s"
            raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, do="leave frames:=true")
        return str(message.data)

    def _connect(self) -> None:
        self._commands = self.create_lifecycle_publisher(RobotCommand, "segue/command", qos.COMMAND)
        self._subscriptions_made = [
            self.create_subscription(JointState, "joint_states", self._on_joint_states, qos.SENSOR),
            self.create_subscription(SafetyState, "segue/safety", self._on_safety, qos.STATE),
            self.create_subscription(MarkerArray, "segue/scene", self._on_scene, qos.LATCHED),
            hear_leases(self, self._renew),
        ]
        self._arm: Client[Any, Any] = self.create_client(Arm, "segue/arm")
        self._server = TellingServer(
            self,
            MoveTo,
            "segue/move",
            self._execute,
            self._admit,
            callback_group=ReentrantCallbackGroup(),
        )
        self._trajectories = trajectory_server.create(self, self)

    def start(self) -> None:
        """Let ticks pass."""
        self._timer = self.create_timer(1.0 / self.robot.tick_rate_hz, self._on_tick)

    def stop(self) -> None:
        """Stop the stream; the guard then stops the arms."""
        self._stream = None
        self.destroy_timer(self._timer)

    def teardown(self) -> None:
        """Take the connections down."""
        self._server.destroy()
        if self._trajectories:
            self._trajectories.destroy()
        for subscription in self._subscriptions_made:
            self.destroy_subscription(subscription)
        self.destroy_client(self._arm)
        self.destroy_publisher(self._commands)
        self._worker.shutdown(wait=False, cancel_futures=True)
        del self._planner  # MoveIt's node goes with it

    def _on_joint_states(self, message: JointState) -> None:
        if self._reader.concerns(message):
            try:
                self._measured = self._reader.read(message) or self._measured
            except SegueError as error:
                self._measured = None
                self.get_logger().warning(str(error), throttle_duration_sec=1.0)

    def _on_safety(self, message: SafetyState) -> None:
        self._safety = message

    def _renew(self, goal_id: bytes) -> None:
        if goal_id == self._goal_id:
            self._lease.renew(time.monotonic())

    def _on_scene(self, message: MarkerArray) -> None:
        try:
            self._scene = contract_scene(self.robot) + scene_from_msg(message)
        except SegueError as error:
            self.get_logger().error(f"scene refused: {error}", throttle_duration_sec=1.0)

    def _on_tick(self) -> None:
        if self._stream:
            stamp = self.get_clock().now().to_msg()
            tick, row = self._stream.next()
            command = wire.Command(tick, self._stream.run_id, row, hold=False, starved=False)
            self._commands.publish(conversions.command_to_msg(command, self._codec.space, stamp))

    def _admit(self, goal: MoveTo.Goal) -> None:
        """Raises SegueError at once for what needs no look at the robot."""
        self.refuse_company()
        self.robot.pose_rad(goal.pose)
        _speed(goal.speed)

    def refuse_company(self) -> None:
        """Raises ControlError while a goal is being worked on, or the node is not active."""
        if self.busy or not self.is_active:
            text = "another move is under way" if self.busy else "the mover is not active"
            raise ControlError(ErrorCode.CONTROL_FOREIGN_COMMAND, text)

    async def _execute(self, handle: ServerGoalHandle) -> MoveTo.Result:
        if self.busy:
            handle.abort()
            return _failure(ControlError(ErrorCode.CONTROL_FOREIGN_COMMAND, "another move is under way"))
        self.busy = True
        self._goal_id, self._lease = bytes(handle.goal_id.uuid), Lease(_LEASE_S, False, time.monotonic())
        try:
            result = await self._move(handle)
        except SegueError as error:
            self.get_logger().warning(str(error))
            result = _failure(error)
        finally:
            self.busy, self._stream = False, None
        if result.success:
            handle.succeed()
        else:
            handle.canceled() if handle.is_cancel_requested else handle.abort()
        return result

    async def _move(self, handle: ServerGoalHandle) -> MoveTo.Result:
        goal = np.array(self.robot.pose_rad(handle.request.pose))
        self._tell(handle, "planning", 0.0)
        sample, scene = await self.ready(), self._scene
        future = self._worker.submit(self._planner.plan, sample.q, goal, scene)
        await until(self, future.done, _FOREVER_S)
        trajectory = future.result()
        rows = trajectory.rows(self.robot.tick_rate_hz / _speed(handle.request.speed))

        def look(tick: int) -> str:
            part = min(1.0, tick / len(rows))
            self._tell(handle, "moving" if part < 1.0 else "settling", part)
            return self._unwanted(handle)

        if reason := self._unwanted(handle):
            raise ControlError(ErrorCode.CONTROL_NOT_ARMED, f"the move did not begin: {reason}")
        await self.carry_out(rows, sample.grippers, np.full(len(goal), ARRIVED_RAD), look)
        error = float(self.errors(goal).max())
        text = f"at {handle.request.pose!r} ({trajectory.found_by})"
        duration = len(rows) / self.robot.tick_rate_hz
        return MoveTo.Result(
            success=True, found_by=trajectory.found_by, duration_s=duration, error_rad=error, error_text=text
        )

    def _unwanted(self, handle: ServerGoalHandle) -> str:
        """Why nobody wants this move any more; empty while somebody does."""
        if handle.is_cancel_requested:
            return "it was cancelled"
        return "its client is gone" if self._lease.expired(time.monotonic()) else ""

    async def ready(self) -> JointSample:
        """Where the arms are, once nobody else has the robot. ControlError when somebody has, or nothing is heard."""
        await sole_sender.until_alone(self)
        if not await until(
            self, lambda: self._measured is not None and self._safety is not None, _PATIENCE_S
        ):
            text = self._reader.why_none() or "no joint states or no safety state received yet"
            raise ControlError(ErrorCode.CONTROL_STATE_STALE, text)
        if not await until(self, lambda: not self._armed(), _DISARMED_S):
            text = "the robot is armed: a task runs, or was not ended"
            raise ControlError(ErrorCode.CONTROL_FOREIGN_COMMAND, text)
        await until(self, self._standing(), _REST_S)
        return self.sample()

    def _standing(self) -> Callable[[], bool]:
        """Asked again and again: whether the arms have stood still for a while; after a move they may brake."""
        since = self.sample()

        def stands() -> bool:
            nonlocal since
            now = self.sample()
            if np.abs(now.q - since.q).max() > _STILL_RAD:
                since = now
            return now.stamp_ns - since.stamp_ns >= _STILL_NS

        return stands

    def sample(self) -> JointSample:
        """The newest measured joints; ControlError when there are none."""
        if self._measured is None:
            raise ControlError(ErrorCode.CONTROL_STATE_STALE, self._reader.why_none() or "no joint states")
        return self._measured

    async def carry_out(
        self,
        rows: Floats,
        grippers: Floats,
        tolerance: Floats,
        look: Callable[[int], str],
        settle_s: float = _SETTLE_S,
    ) -> None:
        """Arm, stream rows (R, n) [rad] until the arms are at the last one within `tolerance` (n,), disarm.

        `look` is called with the number of rows that were sent and says why the move must end, or nothing.

        Raises:
            ControlError: the guard stopped the arms, `look` ended the move, or they did not get there in time.
        """
        await sole_sender.call_once_alone(self, self._arm, Arm.Request(arm=True))
        actions = np.array([self._codec.action(row, grippers) for row in rows])
        try:
            await self._follow(actions, rows[-1], tolerance, look, settle_s)
        finally:
            self._stream = None
            if self._armed():
                await call(self, self._arm, Arm.Request(arm=False))

    async def _follow(
        self, actions: Floats, goal: Floats, tolerance: Floats, look: Callable[[int], str], settle_s: float
    ) -> None:
        self._moves += 1
        stream = self._stream = RowStream(f"move-{self.get_name()}-{self._moves}", actions)
        ticks = len(actions) + round(settle_s * self.robot.tick_rate_hz)
        sent, armed, reason = 0, False, ""

        def over() -> bool:
            nonlocal sent, armed, reason
            armed = armed or self._armed()
            if stream.tick != sent:
                sent = stream.tick
                reason = look(sent)
            stopped = armed and not self._armed()
            passed = stream.tick >= len(actions) + LAG_TICKS
            there = passed and bool((self.errors(goal) < tolerance).all())
            return bool(reason or stopped or there or stream.tick >= ticks)

        await until(self, over, _FOREVER_S)
        if reason:
            raise ControlError(
                ErrorCode.CONTROL_NOT_ARMED, f"the move was stopped: {reason}; the arms come to rest"
            )
        if not self._armed() and self._safety is not None:
            code = told_code(self._safety.error_code, ErrorCode.CONTROL_NOT_ARMED)
            raise ControlError(code, f"the guard stopped the move: {self._safety.error_text or _NO_REASON}")
        off = self.errors(goal)
        if (off >= tolerance).any():
            worst = int((off / tolerance).argmax())
            figure, most = told_apart(off[worst], tolerance[worst], 3)
            got = f"{figure} rad from where {self.robot.joint_names[worst]} should be"
            raise ControlError(
                ErrorCode.CONTROL_HARDWARE, "the arms did not get there", got=got, expected=f"below {most}"
            )

    def _armed(self) -> bool:
        return bool(self._safety and self._safety.armed)

    def errors(self, goal: Floats) -> Floats:
        """How far every joint (n,) is from `goal` (n,) [rad]."""
        return np.asarray(np.abs(self.sample().q - goal))

    def _tell(self, handle: ServerGoalHandle, phase: str, progress: float) -> None:
        handle.publish_feedback(MoveTo.Feedback(phase=phase, progress=progress))


def _speed(wanted: float) -> float:
    """The slow-down of a goal, 0 means 1; ControlError for anything else outside `SLOWEST` to 1."""
    if wanted and not SLOWEST - _ROUNDING <= wanted <= 1.0:
        expected = f"{SLOWEST} to 1, or 0 for 1"
        raise ControlError(ErrorCode.CONTROL_LIMIT, "speed of a move", got=wanted, expected=expected)
    return wanted or 1.0


def _failure(error: SegueError) -> MoveTo.Result:
    return MoveTo.Result(error_code=int(error.code), error_text=error.advised)


def main() -> None:
    """Runs the node; the exit status says how it ended."""
    sys.exit(run(MoverNode))


if __name__ == "__main__":
    main()
