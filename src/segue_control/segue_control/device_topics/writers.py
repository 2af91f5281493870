"""Motions as the messages that a robot's controllers take. One writer per command topic."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import PoseStamped
from rclpy.duration import Duration as Span
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from segue_control.device_topics.dynamic import message_class, set_field
from segue_control.hardware.mapping import Axis, select
from segue_control.hardware.motion import Motion
from segue_control.hardware.settings import CommandTopic
from segue_control.hardware.stopping import Point, with_stop
from segue_control.hardware.velocity import follow
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.limits import JointLimits
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import unknown_name
from segue_ros import qos


class Writer(Protocol):
    """Sends motions to one topic."""

    def send(self, motion: Motion, measured: Floats) -> None:
        """Sends it; `measured` (n,) [rad] is where the robot is."""
        ...

    def stop(self) -> None:
        """Sends what ends a motion, where silence does not."""
        ...


class _Joints:
    """The joints of one topic: where they are in our arrays, and their axes."""

    def __init__(self, topic: CommandTopic, axes: dict[str, Axis]) -> None:
        names = topic.joints or tuple(axes)
        self.index = select(list(axes), names)
        self.axes = [axes[name] for name in names]
        self.names = [axis.theirs for axis in self.axes]
        self._scale = np.array([axis.scale for axis in self.axes])
        self._offset = np.array([axis.offset for axis in self.axes])

    def positions(self, q: Floats) -> list[float]:
        return list((self._offset + self._scale * q[self.index]).tolist())

    def speeds(self, dq: Floats) -> list[float]:
        return list((self._scale * dq[self.index]).tolist())


class TrajectoryWriter:
    """JointTrajectory: the command and the stop after it, see `hardware.stopping`.

    `ahead` is set where the controller splices trajectories at their stamps; then the jitter of this process and of
    the network does not reach the motion.
    """

    def __init__(
        self, node: Node, topic: CommandTopic, axes: dict[str, Axis], limits: JointLimits, period_s: float
    ) -> None:
        self._node, self._joints, self._limits, self._period_s = node, _Joints(topic, axes), limits, period_s
        self._out = node.create_publisher(JointTrajectory, topic.topic, qos.COMMAND)
        self.ahead: Span | None = None

    def send(self, motion: Motion, _: Floats) -> None:
        """Sends the command with its stop."""
        message = JointTrajectory(joint_names=self._joints.names)
        if self.ahead is not None:
            message.header.stamp = (self._node.get_clock().now() + self.ahead).to_msg()
        message.points = [self._point(point) for point in with_stop(motion, self._period_s, self._limits)]
        self._out.publish(message)

    def stop(self) -> None:
        """Nothing: the last trajectory ends at rest."""

    def _point(self, point: Point) -> JointTrajectoryPoint:
        whole, part = divmod(round(point.time_s * 1e9), 1_000_000_000)
        return JointTrajectoryPoint(
            positions=self._joints.positions(point.positions),
            velocities=self._joints.speeds(point.velocities),
            time_from_start=Duration(sec=whole, nanosec=part),
        )


class ArrayWriter:
    """Float64MultiArray of positions, or of speeds, for forward command controllers."""

    def __init__(self, node: Node, topic: CommandTopic, axes: dict[str, Axis], limits: JointLimits) -> None:
        self._topic, self._joints, self._limits = topic, _Joints(topic, axes), limits
        self._out = node.create_publisher(Float64MultiArray, topic.topic, qos.COMMAND)

    def send(self, motion: Motion, measured: Floats) -> None:
        """Sends one number per joint."""
        self._out.publish(
            Float64MultiArray(data=_values(self._topic, self._joints, motion, measured, self._limits))
        )

    def stop(self) -> None:
        """Sets speeds to zero; a position is kept by whoever got it last."""
        if self._topic.velocities:
            self._out.publish(Float64MultiArray(data=[0.0] * len(self._joints.names)))


class JointStateWriter:
    """JointState as a command, with positions and speeds."""

    def __init__(self, node: Node, topic: CommandTopic, axes: dict[str, Axis]) -> None:
        self._node, self._joints = node, _Joints(topic, axes)
        self._out = node.create_publisher(JointState, topic.topic, qos.COMMAND)

    def send(self, motion: Motion, _: Floats) -> None:
        """Sends positions and speeds."""
        message = JointState(
            name=self._joints.names,
            position=self._joints.positions(motion.q),
            velocity=self._joints.speeds(motion.dq),
        )
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._out.publish(message)

    def stop(self) -> None:
        """Nothing: a position is kept by whoever got it last."""


class MessageWriter:
    """Any message with one field per joint, such as kinova_msgs/msg/JointVelocity."""

    def __init__(
        self,
        node: Node,
        topic: CommandTopic,
        axes: dict[str, Axis],
        limits: JointLimits,
        grippers: dict[str, Axis],
    ) -> None:
        self._topic, self._joints, self._limits = topic, _Joints(topic, axes), limits
        self._hands = [
            (index, grippers[name], topic.grippers[name])
            for index, name in enumerate(grippers)
            if name in topic.grippers
        ]
        self._kind: Callable[[], Any] = message_class(topic.type)
        self._out = node.create_publisher(self._kind, topic.topic, qos.COMMAND)
        self._message([0.0] * len(topic.fields), np.zeros(len(grippers)))  # a missing field is found now

    def send(self, motion: Motion, measured: Floats) -> None:
        """Sends one number per joint."""
        self._out.publish(
            self._message(_values(self._topic, self._joints, motion, measured, self._limits), motion.grippers)
        )

    def stop(self) -> None:
        """Sets speeds to zero."""
        if self._topic.velocities:
            self._out.publish(self._message([0.0] * len(self._topic.fields), None))

    def _message(self, values: list[float], openings: Floats | None) -> Any:
        message = self._kind()
        for field, constant in self._topic.constants.items():
            set_field(message, field, constant)
        if openings is not None:
            for index, axis, field in self._hands:
                set_field(message, field, axis.out(float(openings[index])))
        for field, value in zip(self._topic.fields, values, strict=True):
            set_field(message, field, value * self._topic.scale)
        return message


class PoseWriter:
    """PoseStamped of one arm's tool: what the checked joint command means in space, for Cartesian controllers."""

    def __init__(self, node: Node, topic: CommandTopic, robot: RobotConfig, kinematics: Kinematics) -> None:
        arms = [arm.name for arm in robot.arms]
        if topic.arm not in arms:
            raise unknown_name(f"arm of robot '{robot.name}'", topic.arm, arms)
        self._arm, self._kinematics = arms.index(topic.arm), kinematics
        self._node, self._frame = node, topic.frame or robot.base_frame
        self._out = node.create_publisher(PoseStamped, topic.topic, qos.COMMAND)

    def send(self, motion: Motion, _: Floats) -> None:
        """Sends the tool's pose."""
        poses = self._kinematics.poses(motion.q)
        stamp: Time = self._node.get_clock().now().to_msg()
        message = PoseStamped()
        message.header.stamp, message.header.frame_id = stamp, self._frame
        at, turn = message.pose.position, message.pose.orientation
        at.x, at.y, at.z = poses.positions[self._arm].tolist()
        turn.w, turn.x, turn.y, turn.z = poses.quaternions[self._arm].tolist()
        self._out.publish(message)

    def stop(self) -> None:
        """Nothing: the pose is kept."""


def _values(
    topic: CommandTopic, joints: _Joints, motion: Motion, measured: Floats, limits: JointLimits
) -> list[float]:
    if topic.velocities:
        return joints.speeds(follow(motion, measured, topic.gain_per_s, limits.velocity))
    return joints.positions(motion.q)
