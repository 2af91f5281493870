"""The node `state_publisher`: what a robot is and where its parts are, for RViz, Foxglove and whoever uses TF.

It publishes what robot_state_publisher does, from the robot's contract, and the path of the newest chunk as markers. In
a namespace its frames have a prefix, since /tf is one for all: `left/base_link` in /left.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from pydantic import Field
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

from segue_core.contracts.base import StrictModel
from segue_core.contracts.files import load_robot
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode, SegueError
from segue_core.wire import chunk_of
from segue_interfaces.msg import ActionChunk
from segue_ros import parameters, qos
from segue_ros.frames import prefix
from segue_ros.lifecycle import LifecycleComponent, run
from segue_ros.polling import Polled
from segue_sim.description.chunk_path import ChunkPaths
from segue_sim.description.tree import FrameTree
from segue_sim.description.urdf import description
from segue_sim.node.description_messages import path_markers, transform

_TF = QoSProfile(depth=100)  # as tf2_ros has it


class StatePublisherParameters(StrictModel):
    """Parameters of the state publisher."""

    robot_file: str = Field(description="path of the robot's YAML file")
    meshes: str = Field(
        default="", description="folder that meshes are written to; empty: one in the user's cache"
    )
    rate_hz: float = Field(default=20.0, gt=0.0, le=1000.0, description="frames on /tf, at most [Hz]")


class StatePublisherNode(LifecycleComponent):
    """Publishes robot_description, /tf_static, /tf and segue/chunk_path."""

    def __init__(self) -> None:
        super().__init__("state_publisher")

    def setup(self) -> None:
        """Makes the URDF and connects."""
        given = parameters.declare(self, StatePublisherParameters)
        self._robot = robot = load_robot(given.robot_file)
        self._urdf = _urdf(robot, given.meshes)
        self._tree, self._prefix = FrameTree(self._urdf), prefix(self)
        self._chunks = ChunkPaths(robot)
        self._period_s = 1.0 / given.rate_hz
        kind = _tf_message()
        self._tf = kind
        publish = self.create_lifecycle_publisher
        self._description_out = publish(String, "robot_description", qos.LATCHED)
        self._static_out = publish(kind, "/tf_static", qos.LATCHED)
        self._tf_out = publish(kind, "/tf", _TF)
        self._path_out = publish(MarkerArray, "segue/chunk_path", qos.STATE)

    def start(self) -> None:
        """Says what never changes, and follows what does."""
        self._description_out.publish(String(data=self._urdf))
        fixed = [transform(frame, self._prefix, Time()) for frame in self._tree.fixed()]
        self._static_out.publish(self._tf(transforms=fixed))
        self._joints = Polled(self, JointState, "joint_states", qos.SENSOR)
        self._chunk_in = self.create_subscription(ActionChunk, "segue/chunk", self._on_chunk, qos.STATE)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(self._period_s, self._look, clock=steady)

    def stop(self) -> None:
        """Follows no more."""
        self.destroy_timer(self._timer)
        self.destroy_subscription(self._chunk_in)
        self._joints.destroy()

    def teardown(self) -> None:
        """Takes the publishers down."""
        for publisher in (self._description_out, self._static_out, self._tf_out, self._path_out):
            self.destroy_publisher(publisher)

    def _look(self) -> None:
        """Frames of the newest joint states; several nodes may tell of joints, each of its own."""
        whole = (message for message in self._joints.take() if _is_whole(message))
        for names, message in {tuple(message.name): message for message in whole}.items():
            positions = dict(zip(names, message.position, strict=True))
            frames = self._tree.moving(self._with_fingers(positions))
            if frames:
                moved = [transform(frame, self._prefix, message.header.stamp) for frame in frames]
                self._tf_out.publish(self._tf(transforms=moved))

    def _with_fingers(self, positions: dict[str, float]) -> dict[str, float]:
        """Where only openings are told, fingers are where these put them."""
        grippers = self._robot.gripper_names
        if all(name in positions for name in grippers):
            fingers = self._robot.fingers([positions[name] for name in grippers])
            return {**dict(zip(self._robot.finger_names, fingers, strict=True)), **positions}
        return positions

    def _on_chunk(self, message: ActionChunk) -> None:
        space = self._chunks.space
        if message.action_space_fingerprint != space.fingerprint():
            return
        try:
            chunk = chunk_of(message, space)
            paths = self._chunks.of(np.asarray(chunk.actions, dtype=np.float64))
        except SegueError as error:
            self.get_logger().warning(f"chunk not shown: {error}", throttle_duration_sec=5.0)
            return
        frame, lifetime_s = f"{self._prefix}{self._robot.base_frame}", chunk.horizon / space.rate_hz
        self._path_out.publish(path_markers(paths, frame, message.header.stamp, lifetime_s))


def _is_whole(message: JointState) -> bool:
    """Whether every joint of a message has a position, and it is a number."""
    return len(message.position) == len(message.name) and bool(np.isfinite(message.position).all())


def _tf_message() -> Any:
    """tf2_msgs/TFMessage, which a ROS 2 from wheels has only after `segue setup`."""
    try:
        from tf2_msgs.msg import TFMessage
    except ImportError as error:
        do = "build it with ./segue setup, or apt install ros-$ROS_DISTRO-tf2-msgs"
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, "no tf2_msgs, so no /tf", do=do) from error
    return TFMessage


def _urdf(robot: RobotConfig, asked: str) -> str:
    """The URDF, its meshes in the folder that was asked for, in the user's cache, or where anybody can write."""
    name = Path("segue") / "meshes" / f"{robot.name}-{robot.fingerprint()}"
    if asked:
        return description(robot, Path(asked).absolute())
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        return description(robot, cache / name)
    except (OSError, RuntimeError):  # read-only, or no home
        return description(robot, Path(tempfile.gettempdir()) / f"segue-{os.getuid()}" / name)


def main() -> None:
    """Runs the node; the exit status says how it ended."""
    sys.exit(run(StatePublisherNode))


if __name__ == "__main__":
    main()
