"""Openings as the messages and actions that grippers take."""

from typing import Any, Protocol

from builtin_interfaces.msg import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from segue_control.device_topics.dynamic import message_class, set_field
from segue_control.device_topics.gripper_actions import ActionPort
from segue_control.hardware.mapping import Axis
from segue_control.hardware.settings import GripperCommand
from segue_ros import qos

_CHANGE = 0.005  # smaller changes of the opening are not worth a message


class GripperWriter:
    """One gripper: sends the newest opening, once it changed and the driver is free, no more often than it likes."""

    def __init__(self, port: "Port", axis: Axis, rate_hz: float) -> None:
        self._port, self._axis, self._period_s = port, axis, 1.0 / rate_hz
        self._sent: float | None = None
        self._sent_s = 0.0

    def send(self, opening: float, now_s: float) -> None:
        """Takes the commanded opening in [0, 1] of this moment (steady clock)."""
        if self._port.refused(now_s):
            self.forget()
        settled = self._sent is not None and abs(opening - self._sent) < _CHANGE
        if settled or now_s - self._sent_s < self._period_s or not self._port.free(now_s):
            return
        self._sent, self._sent_s = opening, now_s
        self._port.send(self._axis.out(opening), now_s)

    def heard(self) -> bool:
        """Whether somebody takes what is sent."""
        return self._port.heard()

    def forget(self) -> None:
        """The next opening is sent whatever it is."""
        self._sent = None


class Port(Protocol):
    """Takes positions in the driver's own unit. `now_s` is a steady clock; nothing waits."""

    def heard(self) -> bool:
        """Whether somebody takes what is sent."""
        ...

    def free(self, now_s: float) -> bool:
        """Whether a position can be sent now."""
        ...

    def refused(self, now_s: float) -> bool:
        """Whether the driver refused what was sent last; said once."""
        ...

    def send(self, position: float, now_s: float) -> None:
        """Sends it."""
        ...


class _Topic:
    """A topic: the driver takes whatever comes."""

    def __init__(self, node: Node, kind: Any, command: GripperCommand) -> None:
        self._out: Publisher[Any] = node.create_publisher(kind, command.topic, qos.COMMAND)

    def heard(self) -> bool:
        return self._out.get_subscription_count() > 0

    def free(self, now_s: float) -> bool:
        return True

    def refused(self, now_s: float) -> bool:
        return False


class _Trajectory(_Topic):
    def __init__(self, node: Node, command: GripperCommand, axis: Axis) -> None:
        super().__init__(node, JointTrajectory, command)
        self._name = axis.theirs
        whole, part = divmod(round(command.duration_s * 1e9), 1_000_000_000)
        self._time = Duration(sec=whole, nanosec=part)

    def send(self, position: float, now_s: float) -> None:
        point = JointTrajectoryPoint(positions=[position], velocities=[0.0], time_from_start=self._time)
        self._out.publish(JointTrajectory(joint_names=[self._name], points=[point]))


class _Array(_Topic):
    def __init__(self, node: Node, command: GripperCommand) -> None:
        super().__init__(node, Float64MultiArray, command)

    def send(self, position: float, now_s: float) -> None:
        self._out.publish(Float64MultiArray(data=[position]))


class _Message(_Topic):
    def __init__(self, node: Node, command: GripperCommand) -> None:
        self._kind, self._fields = message_class(command.type), command.fields
        super().__init__(node, self._kind, command)

    def send(self, position: float, now_s: float) -> None:
        message = self._kind()
        for field in self._fields:
            set_field(message, field, position)
        self._out.publish(message)


class _Nothing:
    """The gripper is only watched."""

    def heard(self) -> bool:
        return True

    def free(self, now_s: float) -> bool:
        return False

    def refused(self, now_s: float) -> bool:
        return False

    def send(self, position: float, now_s: float) -> None:
        """Nothing."""


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
        port = ActionPort(node, command, axis)
    return GripperWriter(port, axis, command.rate_hz)
