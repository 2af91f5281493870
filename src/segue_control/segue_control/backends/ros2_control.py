"""Any robot under ros2_control: joint trajectory, forward command and Cartesian controllers.

Before anything moves, the controllers are asked for their joints, in which order, and for what they can do.
"""

from collections.abc import Callable

from rclpy.duration import Duration
from rclpy.node import Node

from segue_control.backends.topics import TopicBackend
from segue_control.device_topics.probe import Probe
from segue_control.device_topics.writers import TrajectoryWriter
from segue_control.hardware.features import (
    PARAMETERS,
    check_interface,
    check_joints,
    trajectory_features,
)
from segue_control.hardware.settings import CommandTopic
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode

_TYPES = {
    "joint_trajectory": "trajectory_msgs/msg/JointTrajectory",
    "position_array": "std_msgs/msg/Float64MultiArray",
    "velocity_array": "std_msgs/msg/Float64MultiArray",
    "pose": "geometry_msgs/msg/PoseStamped",
    "joint_state": "sensor_msgs/msg/JointState",
}
_ARRAYS = {"position_array": "position", "velocity_array": "velocity"}


class Ros2ControlBackend(TopicBackend):
    """`TopicBackend` that knows the controllers on the other side."""

    def _meet(self, probe: Probe, topic: CommandTopic) -> tuple[str, ...]:
        expected = _TYPES.get(topic.kind, topic.type)
        listeners = self.wait_for_listener(probe, topic)
        fitting = [one.node for one in listeners if one.type == expected]
        if not fitting:
            got = ", ".join(f"{one.node}: {one.type}" for one in listeners)
            text = f"{topic.topic}: its listener expects another message"
            raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=got, expected=expected)
        owners = [node for node in fitting if topic.topic.startswith(f"{node}/")]  # others only listen in
        controller = (owners or fitting)[0]
        parameters = probe.parameters(controller, PARAMETERS)
        if topic.kind == "pose":
            return (f"{topic.topic}: {controller}",)
        names = [self.axes[name].theirs for name in topic.joints or self.robot.joint_names]
        check_joints(controller, parameters, names, ordered=topic.kind in _ARRAYS)
        if topic.kind in _ARRAYS:
            check_interface(controller, parameters, _ARRAYS[topic.kind])
        told = "" if parameters.get("joints") else " (it does not tell its joints: order not checked)"
        notes: tuple[str, ...] = (f"{topic.topic}: {controller}{told}",)
        writer = self.writers[topic.topic]
        if isinstance(writer, TrajectoryWriter):
            features = trajectory_features(parameters)
            ahead = features.splices and topic.lead_s > 0
            writer.ahead = Duration(seconds=topic.lead_s) if ahead else None
            notes += features.notes(controller)
        return notes


def create(
    node: Node, robot: RobotConfig, hardware: HardwareConfig, now_s: Callable[[], float]
) -> Ros2ControlBackend:
    """The back end `ros2_control`."""
    return Ros2ControlBackend(node, robot, hardware, now_s)
