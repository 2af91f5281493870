"""Openings as the messages and actions that grippers take."""

from typing import Any, Protocol

from builtin_interfaces.msg import Duration
from rclpy.action import ActionClient
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from segue_control.device_topics.dynamic import message_class, set_field
from segue_control.hardware.mapping import Axis
from segue_control.hardware.settings import GripperCommand
from segue_ros import qos

_CHANGE = 0.005  # smaller changes of the opening are not worth a message


class GripperWriter:
    """One gripper: sends an opening when it changed, and no more often than the driver likes."""

    def __init__(self, port: "Port", axis: Axis, rate_hz: float) -> None:
        self._port, self._axis, self._period_s = port, axis, 1.0 / rate_hz
        self._sent: float | None = None
        self._sent_s = 0.0

    def send(self, opening: float, now_s: float) -> None:
        """Takes the commanded opening in [0, 1] of this moment (steady clock)."""
        settled = self._sent is not None and abs(opening - self._sent) < _CHANGE
        if settled or now_s - self._sent_s < self._period_s:
            return
        self._sent, self._sent_s = opening, now_s
        self._port.send(self._axis.out(opening))

    def forget(self) -> None:
        """The next opening is sent whatever it is."""
        self._sent = None


class Port(Protocol):
    """Takes positions in the driver's own unit."""

    def send(self, position: float) -> None:
        """Sends it; never waits."""
        ...


class _Trajectory:
    def __init__(self, node: Node, command: GripperCommand, axis: Axis) -> None:
        self._out = node.create_publisher(JointTrajectory, command.topic, qos.COMMAND)
        self._name = axis.theirs
        whole, part = divmod(round(command.duration_s * 1e9), 1_000_000_000)
        self._time = Duration(sec=whole, nanosec=part)

    def send(self, position: float) -> None:
        point = JointTrajectoryPoint(positions=[position], velocities=[0.0], time_from_start=self._time)
        self._out.publish(JointTrajectory(joint_names=[self._name], points=[point]))


class _Array:
    def __init__(self, node: Node, command: GripperCommand) -> None:
        self._out = node.create_publisher(Float64MultiArray, command.topic, qos.COMMAND)

    def send(self, position: float) -> None:
        self._out.publish(Float64MultiArray(data=[position]))


class _Message:
    def __init__(self, node: Node, command: GripperCommand) -> None:
        self._kind, self._fields = message_class(command.type), command.fields
        self._out = node.create_publisher(self._kind, command.topic, qos.COMMAND)

    def send(self, position: float) -> None:
        message = self._kind()
        for field in self._fields:
            set_field(message, field, position)
        self._out.publish(message)


class _Action:
    """An action: control_msgs' GripperCommand or ParallelGripperCommand, or one of the driver's own.

    A new goal preempts the one before.
    """

    def __init__(self, node: Node, command: GripperCommand, axis: Axis, parallel: bool) -> None:
        name = "ParallelGripperCommand" if parallel else "GripperCommand"
        self._kind = message_class(command.type or f"control_msgs/action/{name}")
        self._client: ActionClient[Any, Any, Any] = ActionClient(node, self._kind, command.topic)
        self._force, self._axis, self._parallel, self._fields = (
            command.force_n,
            axis,
            parallel,
            command.fields,
        )
        for field in self._fields:
            set_field(self._kind.Goal(), field, 0.0)  # a missing field is found now

    def send(self, position: float) -> None:
        goal = self._kind.Goal()
        if self._fields:
            for field in self._fields:
                set_field(goal, field, position)
        elif self._parallel:
            effort = [] if self._force is None else [self._force]
            goal.command = JointState(name=[self._axis.theirs], position=[position], effort=effort)
        else:
            goal.command.position = position
            goal.command.max_effort = self._force or 0.0
        self._client.send_goal_async(goal)


class _Nothing:
    def send(self, position: float) -> None:
        """Nothing: the gripper is only watched."""


def gripper_writer(node: Node, command: GripperCommand, axis: Axis) -> GripperWriter:
    """The writer for a gripper's settings; raises ConfigError when its messages are not installed."""
    port: Port
    if command.kind == "trajectory":
        port = _Trajectory(node, command, axis)
    elif command.kind == "array":
        port = _Array(node, command)
    elif command.kind == "message":
        port = _Message(node, command)
    elif command.kind == "none":
        port = _Nothing()
    else:
        port = _Action(node, command, axis, command.kind == "parallel_action")
    return GripperWriter(port, axis, command.rate_hz)
