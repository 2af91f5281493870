"""The state publisher on the wire: robot_state_publisher's topics, from the contract, prefixed in a namespace."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

import rclpy
from own_domain import own_domain
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState
from spinning import spin_until
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from segue_control.robot.kinematics import Kinematics
from segue_core.contracts.files import load_robot
from segue_core.contracts.robot import RobotConfig
from segue_interfaces.msg import ActionChunk
from segue_ros import qos
from segue_sim.node.state_publisher_node import StatePublisherNode

ROBOT = Path(__file__).parents[3] / "config" / "robots" / "dual_arm.yaml"


class Bench:
    """The node in a namespace, and somebody who looks."""

    def __init__(self, namespace: str) -> None:
        self.robot: RobotConfig = load_robot(str(ROBOT))
        self.peer = Node("peer", namespace=namespace)
        self.texts: list[str] = []
        self.fixed: dict[str, str] = {}
        self.moving: list[dict[str, str]] = []
        self.paths: list[MarkerArray] = []
        self.joints = self.peer.create_publisher(JointState, "joint_states", qos.SENSOR_SOURCE)
        self.chunks = self.peer.create_publisher(ActionChunk, "segue/chunk", qos.STATE)
        take = self.peer.create_subscription
        take(String, "robot_description", lambda m: self.texts.append(m.data), qos.LATCHED)
        take(TFMessage, "/tf_static", lambda m: self.fixed.update(_parents(m)), qos.GATHERED)
        take(TFMessage, "/tf", lambda m: self.moving.append(_parents(m)), 10)
        take(MarkerArray, "segue/chunk_path", self.paths.append, qos.STATE)
        self.node = StatePublisherNode()
        self.node.trigger_configure()
        self.node.trigger_activate()
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._executor.add_node(self.peer)
        self.until(lambda: bool(self.texts and self.fixed))
        self.until(lambda: self.joints.get_subscription_count() == self.chunks.get_subscription_count() == 1)

    def until(self, done: Callable[[], bool]) -> None:
        spin_until(self._executor, done)

    def close(self) -> None:
        self.node.end()
        self.node.destroy_node()
        self.peer.destroy_node()


def _parents(message: TFMessage) -> dict[str, str]:
    return {one.child_frame_id: one.header.frame_id for one in message.transforms}


@pytest.fixture(params=["", "/left"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    given = ["-p", f"robot_file:={ROBOT}", "-p", f"meshes:={tmp_path}", "-p", "autostart:=false"]
    space = ["-r", f"__ns:={request.param}"] if request.param else []
    rclpy.init(args=["test", "--ros-args", *space, *given], domain_id=own_domain())
    bench = Bench(request.param)
    yield bench
    bench.close()
    rclpy.shutdown()


def test_frames_are_a_tree_of_one_root_with_every_camera_and_the_namespace_as_prefix(bench: Bench) -> None:
    robot = bench.robot
    names = [*robot.joint_names, *robot.gripper_names]
    position = [*robot.pose_rad("home"), *([1.0] * len(robot.arms))]  # no fingers: these follow the openings
    bench.joints.publish(JointState(name=names, position=position))
    bench.until(lambda: bool(bench.moving))
    parents = {**bench.fixed, **bench.moving[0]}
    prefix = bench.peer.get_namespace().strip("/")
    prefix = f"{prefix}/" if prefix else ""
    assert all(name.startswith(prefix) for pair in parents.items() for name in pair)
    for camera in robot.cameras:
        assert f"{prefix}{camera}_camera_optical_frame" in parents
    for name in parents:
        while name in parents:
            name = parents[name]
        assert name == f"{prefix}world"
    assert "<mimic" in bench.texts[0] and "ros2_control" not in bench.texts[0]


def test_joint_states_of_somebody_else_are_no_frames_of_ours(bench: Bench) -> None:
    bench.joints.publish(JointState(name=["wheel"], position=[1.0]))
    bench.joints.publish(JointState(name=list(bench.robot.joint_names), position=[0.0]))  # too short
    bench.joints.publish(
        JointState(name=list(bench.robot.joint_names), position=list(bench.robot.pose_rad("home")))
    )
    bench.until(lambda: bool(bench.moving))
    assert len(bench.moving) == 1 and len(bench.moving[0]) == len(bench.robot.joint_names)


def test_a_chunk_is_shown_as_a_line_per_arm_and_another_robots_chunk_is_not(bench: Bench) -> None:
    space = bench.robot.action_space
    home = Kinematics(bench.robot).forward(np.array(bench.robot.pose_rad("home")), np.array([1.0, 0.0]))
    rows = np.stack([home] * 7).astype(np.float32)
    good = ActionChunk(
        action_space=space.name, horizon=7, dim=space.dim, rate_hz=30.0, actions=rows.flatten().tolist()
    )
    for fingerprint in ("another", space.fingerprint()):
        good.action_space_fingerprint = fingerprint
        bench.chunks.publish(good)
    bench.until(lambda: bool(bench.paths))
    (message,) = bench.paths
    assert [marker.text for marker in message.markers] == [arm.name for arm in bench.robot.arms]
    for marker in message.markers:
        assert len(marker.points) == len(marker.colors) == 7
        assert marker.header.frame_id.endswith("base_link") and marker.lifetime.nanosec > 0
