"""The hardware node: the robot's end of the command wire for a real robot, in place of the simulator.

joint_command in, the back end's device out; its measured joints in, joint_states out. Every command is looked at
once more, silence stops the robot, and what the robot itself does wrong stops the controller.
"""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from pydantic import Field
from rclpy.client import Client
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from segue_control import backends
from segue_control.hardware.files import load_hardware
from segue_control.hardware.link import HardwareLink
from segue_control.hardware.motion import Motion
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.limits import joint_limits
from segue_core.contracts.base import StrictModel
from segue_core.contracts.files import load_robot
from segue_core.errors import ControlError, ErrorCode, SegueError
from segue_interfaces.srv import EmergencyStop, Recover
from segue_ros import parameters, qos, sole_sender
from segue_ros.frames import prefix
from segue_ros.lifecycle import LifecycleComponent, run
from segue_ros.waiting import insist

_DIAGNOSTICS_PERIOD_S = 1.0


class HardwareParameters(StrictModel):
    """Parameters of the hardware node."""

    robot_file: str = Field(description="path of the robot's YAML file")
    hardware: str = Field(
        default="", description="name in config/hardware, or path of a YAML file; the robot's own when empty"
    )


class HardwareNode(LifecycleComponent):
    """Node `hardware`; see docs/hardware.md. `steady_ns` is the clock of freshness."""

    def __init__(self, steady_ns: Callable[[], int] = time.monotonic_ns) -> None:
        super().__init__("hardware")
        self._steady_ns = steady_ns

    def setup(self) -> None:
        """Reaches the robot; nothing moves."""
        given = parameters.declare(self, HardwareParameters)
        self._simulated = bool(self.get_parameter("use_sim_time").value)
        self._robot = robot = load_robot(given.robot_file)
        hardware = load_hardware(robot, given.robot_file, given.hardware)
        kinematics = Kinematics(robot)
        self._link = HardwareLink(robot, hardware, joint_limits(robot, kinematics.low, kinematics.high))
        self._last: Motion | None = None
        self._reported: ControlError | None = None
        self._name = hardware.backend
        self._backend = backends.create(self, robot, hardware, self._now_s)
        try:
            notes = self._backend.connect()
        except SegueError:
            self._backend.close()
            raise
        for note in notes:
            self.get_logger().info(note)
        self._states = self.create_lifecycle_publisher(JointState, "joint_states", qos.SENSOR_SOURCE)
        self._diagnostics = self.create_lifecycle_publisher(DiagnosticArray, "diagnostics", qos.STATE)
        self._stop_controller: Client[Any, Any] = self.create_client(EmergencyStop, "segue/emergency_stop")
        self._recovery = self.create_service(Recover, "segue/hardware/recover", self._on_recover)

    def start(self) -> None:
        """Listens to commands and publishes the robot's joints."""
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._commands = self.create_subscription(
            JointTrajectory, "joint_command", self._on_command, qos.COMMAND
        )
        self._timers_made = [
            self.create_timer(1.0 / self._robot.control_rate_hz, self._update, clock=steady),
            self.create_timer(_DIAGNOSTICS_PERIOD_S, self._watch_wire, clock=steady),
        ]

    def stop(self) -> None:
        """Brings the robot to rest."""
        for timer in self._timers_made:
            self.destroy_timer(timer)
        self.destroy_subscription(self._commands)
        self._backend.stop(self._now_s())

    def teardown(self) -> None:
        """Lets the robot go."""
        self._backend.close()
        self.destroy_service(self._recovery)
        self.destroy_client(self._stop_controller)
        for publisher in (self._states, self._diagnostics):
            self.destroy_publisher(publisher)

    def _now_s(self) -> float:
        """The steady clock, or a simulation's: while that stands still, nobody falls silent."""
        return (self.get_clock().now().nanoseconds if self._simulated else self._steady_ns()) * 1e-9

    def _on_command(self, message: JointTrajectory, info: Mapping[str, Any]) -> None:
        now_s = self._now_s()
        try:
            if not self._link.following:
                self._refuse_company()
            if len(message.points) != 1:
                got = f"{len(message.points)} points"
                raise ControlError(
                    ErrorCode.CONTROL_WRONG_SHAPE, "joint command", got=got, expected="one point"
                )
            positions = np.array(message.points[0].positions, dtype=np.float64)
            speeds = np.array(message.points[0].velocities, dtype=np.float64)
            names, sender = tuple(message.joint_names), sole_sender.sender_of(info)
            motion = self._link.receive(names, positions, now_s, speeds, sender)
        except SegueError as error:
            self.get_logger().warning(f"joint command refused: {error}", throttle_duration_sec=1.0)
            return
        self._last = motion
        self._backend.write(motion, now_s)

    def _refuse_company(self) -> None:
        """Before the robot begins to move; while it moves, it follows one publisher, and `_watch_wire` looks."""
        try:
            sole_sender.refuse_namesakes(self)
            sole_sender.refuse_second_publisher(self, "joint_command")
        except SegueError:
            self._link.counts["foreign"] += 1
            raise

    def _update(self) -> None:
        now_s = self._now_s()
        measured = self._backend.read(now_s)
        if measured is not None:
            self._link.observe(measured.q, measured.at_s)
            self._states.publish(self._message(measured))
        fault = self._backend.fault()
        if fault is not None and self._link.fault is None:
            self._link.fail(fault)
            self._backend.stop(now_s)
        reason = self._link.must_stop(now_s, self._last.q if self._last else None)
        if reason is not None:
            self.get_logger().warning(str(reason))
            self._backend.stop(now_s)
        if self._link.fault is not self._reported:
            self._report_fault()

    def _message(self, measured: backends.MeasuredRobot) -> JointState:
        robot, openings = self._robot, measured.grippers.tolist()
        message = JointState(name=[*robot.joint_names, *robot.gripper_names, *robot.finger_names])
        message.header.stamp = self.get_clock().now().to_msg()
        message.header.frame_id = f"{prefix(self)}{robot.base_frame}"
        message.position = [*measured.q.tolist(), *openings, *robot.fingers(openings)]
        return message

    def _report_fault(self) -> None:
        """A robot that cannot go on stops its controller as well, which then wants to be recovered and armed anew."""
        self._reported = self._link.fault
        if self._reported is None:
            return
        first, then = (self.resolve_service_name(f"segue/{name}recover") for name in ("hardware/", ""))
        self.get_logger().error(f"{self._reported}; recover with {first}, then {then}")
        if self._stop_controller.service_is_ready():
            insist(self, self._stop_controller, EmergencyStop.Request(reason=f"hardware: {self._reported}"))

    def _watch_wire(self) -> None:
        try:
            sole_sender.refuse_second_publisher(self, "joint_command")
        except ControlError as error:
            if self._link.fault is None:
                self._link.fail(error)
                self._backend.stop(self._now_s())
        self._diagnostics.publish(self._diagnosis())

    def _diagnosis(self) -> DiagnosticArray:
        fault = self._link.fault
        level = DiagnosticStatus.ERROR if fault else DiagnosticStatus.OK
        text = str(fault) if fault else ("following" if self._link.following else "holding")
        values = [KeyValue(key=name, value=str(count)) for name, count in sorted(self._link.counts.items())]
        status = DiagnosticStatus(
            level=level, name=f"segue_control: hardware ({self._name})", message=text, values=values,
            hardware_id=self._robot.name,
        )  # fmt: skip
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        return message

    def _on_recover(self, _: Recover.Request, response: Recover.Response) -> Recover.Response:
        try:
            self._backend.recover()
        except ControlError as error:
            response.success, response.error_code, response.error_text = False, int(error.code), error.advised
            return response
        self._link.recover()
        self._last, self._reported = None, None
        response.success = True
        return response


def main() -> None:
    """Runs the node; the exit status says how it ended."""
    sys.exit(run(HardwareNode))


if __name__ == "__main__":
    main()
