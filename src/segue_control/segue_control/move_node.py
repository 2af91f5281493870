"""The mover node: takes all arms to a named pose, by a planned way, through the controller and its guard."""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.client import Client
from sensor_msgs.msg import JointState
from visualization_msgs.msg import MarkerArray

from segue_control.joint_targets import JointCodec
from segue_control.planning import JointTrajectory, contract_scene, create_planner
from segue_control.scene_messages import scene_from_msg
from segue_core.config_base import StrictModel
from segue_core.errors import ControlError, ErrorCode, SegueError
from segue_interfaces.action import MoveTo
from segue_interfaces.msg import RobotCommand, SafetyState
from segue_interfaces.srv import Arm
from segue_ros import alone, conversions, parameters, qos
from segue_ros.contracts import load_robot
from segue_ros.joint_states import JointSample, JointStateReader
from segue_ros.lifecycle import LifecycleComponent, run
from segue_ros.waiting import call, until

Array = NDArray[np.float64]

_ARRIVED_RAD = 0.03  # a position-controlled arm sags a little
_LAG_TICKS = 3  # the controller's spline is two ticks behind the rows, the measured joints one more
_SETTLE_S = 3.0
_PATIENCE_S = 5.0
_FOREVER_S = 3600.0


class Parameters(StrictModel):
    """Parameters of the mover node."""

    robot_file: str = Field(description="path of the robot's YAML file")
    planner: str = Field(default="auto", description="auto, built_in or moveit")


class _Stream:
    """One move on its way: a row per tick, the last one again and again until the arms are there."""

    def __init__(self, run_id: str, rows: Array) -> None:
        self.run_id, self.rows, self.tick = run_id, rows, 0

    def next(self) -> conversions.Command:
        """The command of the next tick."""
        row = self.rows[min(self.tick, len(self.rows) - 1)]
        self.tick += 1
        return conversions.Command(self.tick - 1, self.run_id, row, hold=False, starved=False)

    @property
    def progress(self) -> float:
        """The part of the rows that was sent, in [0, 1]."""
        return min(1.0, self.tick / len(self.rows))


class MoverNode(LifecycleComponent):
    """Node `mover`; see README.md for its topics."""

    def __init__(self) -> None:
        super().__init__("mover")

    def setup(self) -> None:
        """Build the planner and the connections."""
        given = parameters.declare(self, Parameters)
        self._robot = load_robot(given.robot_file)
        self._planner = create_planner(self._robot, given.planner)
        self._codec = JointCodec(self._robot)
        self._reader = JointStateReader(self._robot)
        self._measured: JointSample | None = None
        self._safety: SafetyState | None = None
        self._scene = contract_scene(self._robot)
        self._stream: _Stream | None = None
        self._busy, self._moves = False, 0
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._connect()

    def _connect(self) -> None:
        self._commands = self.create_lifecycle_publisher(RobotCommand, "segue/command", qos.COMMAND)
        self._subscriptions_made = [
            self.create_subscription(JointState, "joint_states", self._on_joint_states, qos.SENSOR),
            self.create_subscription(SafetyState, "segue/safety", self._on_safety, qos.STATE),
            self.create_subscription(MarkerArray, "segue/scene", self._on_scene, qos.LATCHED),
        ]
        self._arm: Client[Any, Any] = self.create_client(Arm, "segue/arm")
        self._server = ActionServer(
            self,
            MoveTo,
            "segue/move",
            self._execute,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def start(self) -> None:
        """Let ticks pass."""
        self._timer = self.create_timer(1.0 / self._robot.tick_rate_hz, self._on_tick)

    def stop(self) -> None:
        """Stop the stream; the guard then stops the arms."""
        self._stream = None
        self.destroy_timer(self._timer)

    def teardown(self) -> None:
        """Take the connections down."""
        self._server.destroy()
        for subscription in self._subscriptions_made:
            self.destroy_subscription(subscription)
        self.destroy_client(self._arm)
        self.destroy_publisher(self._commands)
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _on_joint_states(self, message: JointState) -> None:
        if self._reader.concerns(message):
            try:
                self._measured = self._reader.read(message)
            except SegueError as error:
                self._measured = None
                self.get_logger().warning(str(error), throttle_duration_sec=1.0)

    def _on_safety(self, message: SafetyState) -> None:
        self._safety = message

    def _on_scene(self, message: MarkerArray) -> None:
        try:
            self._scene = contract_scene(self._robot) + scene_from_msg(message)
        except SegueError as error:
            self.get_logger().error(f"scene refused: {error}", throttle_duration_sec=1.0)

    def _on_tick(self) -> None:
        if self._stream:
            stamp = self.get_clock().now().to_msg()
            self._commands.publish(conversions.command_to_msg(self._stream.next(), self._codec.space, stamp))

    async def _execute(self, handle: ServerGoalHandle) -> MoveTo.Result:
        if self._busy:
            handle.abort()
            return _failure(ControlError(ErrorCode.CONTROL_FOREIGN_COMMAND, "another move is under way"))
        self._busy = True
        try:
            result = await self._move(handle)
        except SegueError as error:
            self.get_logger().warning(str(error))
            result = _failure(error)
        finally:
            self._busy, self._stream = False, None
        if result.success:
            handle.succeed()
        else:
            handle.canceled() if handle.is_cancel_requested else handle.abort()
        return result

    async def _move(self, handle: ServerGoalHandle) -> MoveTo.Result:
        await alone.until_alone(self)
        goal = np.array(self._robot.pose_rad(handle.request.pose))
        self._tell(handle, "planning", 0.0)
        trajectory, grippers = await self._plan(goal)
        rows = trajectory.rows(self._robot.tick_rate_hz / _speed(handle.request.speed))
        await alone.call_once_alone(self, self._arm, Arm.Request(arm=True))
        try:
            await self._follow(handle, np.array([self._codec.action(row, grippers) for row in rows]), goal)
        finally:
            self._stream = None
            if self._armed():
                await call(self, self._arm, Arm.Request(arm=False))
        error = self._error(goal)
        text = f"at {handle.request.pose!r} ({trajectory.found_by})"
        duration = len(rows) / self._robot.tick_rate_hz
        return MoveTo.Result(
            success=True, found_by=trajectory.found_by, duration_s=duration, error_rad=error, error_text=text
        )

    async def _plan(self, goal: Array) -> tuple[JointTrajectory, Array]:
        """The way from where the arms are, and how far their grippers are open."""
        if not await until(
            self, lambda: self._measured is not None and self._safety is not None, _PATIENCE_S
        ):
            raise ControlError(
                ErrorCode.CONTROL_STATE_STALE, "no joint states or no safety state received yet"
            )
        if self._armed():
            text = "the robot is armed: a task runs, or was not ended"
            raise ControlError(ErrorCode.CONTROL_FOREIGN_COMMAND, text)
        sample, scene = self._sample(), self._scene
        future = self._worker.submit(self._planner.plan, sample.q, goal, scene)
        await until(self, future.done, _FOREVER_S)
        return future.result(), sample.grippers

    def _sample(self) -> JointSample:
        if self._measured is None:
            raise ControlError(ErrorCode.CONTROL_STATE_STALE, "no joint states")
        return self._measured

    async def _follow(self, handle: ServerGoalHandle, rows: Array, goal: Array) -> None:
        """Stream the rows until the arms are there; ControlError when the guard stopped them or they are not."""
        self._moves += 1
        stream = self._stream = _Stream(f"move-{self.get_name()}-{self._moves}", rows)
        ticks = len(rows) + round(_SETTLE_S * self._robot.tick_rate_hz)
        sent = armed = 0

        def over() -> bool:
            nonlocal sent, armed
            armed = armed or self._armed()
            if stream.tick != sent:
                sent = stream.tick
                self._tell(handle, "moving" if stream.progress < 1.0 else "settling", stream.progress)
            stopped = armed and not self._armed()
            passed = stream.tick >= len(rows) + _LAG_TICKS
            there = passed and self._error(goal) < _ARRIVED_RAD
            return bool(handle.is_cancel_requested or stopped or there or stream.tick >= ticks)

        await until(self, over, _FOREVER_S)
        if handle.is_cancel_requested:
            raise ControlError(ErrorCode.CONTROL_NOT_ARMED, "the move was cancelled; the arms come to rest")
        if not self._armed() and self._safety is not None:
            code = self._safety.error_code or ErrorCode.CONTROL_NOT_ARMED
            raise ControlError(ErrorCode(code), f"the guard stopped the move: {self._safety.error_text}")
        if self._error(goal) >= _ARRIVED_RAD:
            got = f"{self._error(goal):.3f} rad away"
            raise ControlError(
                ErrorCode.CONTROL_HARDWARE, "the arms did not get there", got=got, expected=_ARRIVED_RAD
            )

    def _armed(self) -> bool:
        return bool(self._safety and self._safety.armed)

    def _error(self, goal: Array) -> float:
        return float(np.abs(self._sample().q - goal).max())

    def _tell(self, handle: ServerGoalHandle, phase: str, progress: float) -> None:
        handle.publish_feedback(MoveTo.Feedback(phase=phase, progress=progress))


def _speed(wanted: float) -> float:
    """The slow-down of a goal; ControlError outside (0, 1], 0 means 1."""
    if not 0.0 <= wanted <= 1.0:
        raise ControlError(ErrorCode.CONTROL_LIMIT, "speed of a move", got=wanted, expected="0 to 1")
    return wanted or 1.0


def _failure(error: SegueError) -> MoveTo.Result:
    return MoveTo.Result(error_code=int(error.code), error_text=error.text)


def main() -> None:
    """Runs the node; the exit status says how it ended."""
    sys.exit(run(MoverNode))


if __name__ == "__main__":
    main()
