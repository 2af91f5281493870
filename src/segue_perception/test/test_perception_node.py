"""Laws of the perception node, over real topics; the test owns the steady clock."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import rclpy
from own_domain import own_domain
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rosgraph_msgs.msg import Clock as ClockMsg
from sensor_msgs.msg import CompressedImage, Image, JointState
from spinning import spin_until

from segue_control.robot.kinematics import Kinematics
from segue_core.contracts.files import load_robot
from segue_core.errors import ErrorCode
from segue_interfaces.msg import Observation
from segue_perception.node.perception_node import PerceptionNode
from segue_perception.preprocess import resize
from segue_ros import conversions, images, qos, ticks

ROBOT_FILE = Path(__file__).parents[3] / "config" / "robots" / "dual_arm.yaml"
ROBOT = load_robot(str(ROBOT_FILE))


class Sensors:
    """Cameras and joints in one node, beside the node under test."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.node, self.peer = PerceptionNode(steady_ns=lambda: self.now_ns), Node("sensors")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.executor.add_node(self.peer)
        self.observations: list[Observation] = []
        topic = "/segue/observation"
        self.peer.create_subscription(Observation, topic, self.observations.append, qos.OBSERVATION)
        joints = self.peer.create_publisher(JointState, "/joint_states", qos.SENSOR_SOURCE)
        self.joints = [(joints, slice(None))]  # who publishes which part of them
        self._cameras = {
            name: self.peer.create_publisher(Image, f"/{name}_camera/image_raw", qos.SENSOR_SOURCE)
            for name in ROBOT.cameras
        }
        self.home = Kinematics(ROBOT).home
        self.node.trigger_configure()
        self.node.trigger_activate()
        sources = [joints, *self._cameras.values()]
        self.until(lambda: all(source.get_subscription_count() == 1 for source in sources))
        self.until(lambda: self.peer.count_publishers(topic) == 1)

    def until(self, done: Callable[[], bool]) -> None:
        """Spins until `done`, or fails."""
        spin_until(self.executor, done)

    def tick(self, tick: int, shade: int, skip: str = "") -> None:
        """All sensors take one sample of a tick; the camera `skip` does not."""
        stamp = ticks.stamp_of(tick, 30.0)
        self.now_ns = ticks.time_of(tick, 30.0)
        joints = JointState(name=[*ROBOT.joint_names, *ROBOT.gripper_names])
        joints.header.stamp, joints.position = stamp, [*self.home.tolist(), 1.0, 0.5]
        for publisher, part in self.joints:
            publisher.publish(
                JointState(header=joints.header, name=joints.name[part], position=joints.position[part])
            )
        for name, publisher in self._cameras.items():
            if name != skip:
                image = np.full((192, 256, 3), shade, np.uint8)
                publisher.publish(images.to_message(image, "rgb8", stamp, name))


@pytest.fixture
def sensors() -> Iterator[Sensors]:
    """Sensors of a robot at its home pose."""
    arguments = [
        "test",
        "--ros-args",
        "-p",
        f"robot_file:={ROBOT_FILE}",
        "-p",
        "use_sim_time:=true",
        "-p",
        "autostart:=false",
    ]
    rclpy.init(args=arguments, domain_id=own_domain())
    sensors = Sensors()
    yield sensors
    sensors.node.end()
    sensors.node.destroy_node()
    sensors.peer.destroy_node()
    rclpy.shutdown()


def test_every_tick_is_observed_once_with_its_own_samples(sensors: Sensors) -> None:
    for tick in range(5):
        sensors.tick(tick, shade=40 * tick)
        sensors.until(lambda count=tick: len(sensors.observations) == count + 1)
    assert [message.tick for message in sensors.observations] == [0, 1, 2, 3, 4]
    last = conversions.observation_from_msg(sensors.observations[-1])
    state = Kinematics(ROBOT).forward(sensors.home, np.array([1.0, 0.5]))
    np.testing.assert_allclose(last.state, state, atol=1e-6)
    expected = resize(np.full((192, 256, 3), 160, np.uint8), (96, 72))
    for name in ROBOT.cameras:
        np.testing.assert_array_equal(last.images[name], expected)


def test_a_tick_that_one_camera_missed_does_not_hold_up_the_next(sensors: Sensors) -> None:
    sensors.tick(0, shade=10)
    sensors.until(lambda: len(sensors.observations) == 1)
    sensors.tick(1, shade=20, skip="head")
    sensors.tick(2, shade=30)
    sensors.until(lambda: sensors.observations[-1].tick == 2)
    assert sensors.observations[-1].skew_s < 1e-6


def test_a_world_that_was_reset_is_observed_from_its_new_start(sensors: Sensors) -> None:
    sensors.tick(300, shade=10)
    sensors.until(lambda: len(sensors.observations) == 1)
    sensors.tick(0, shade=20)
    sensors.until(lambda: len(sensors.observations) == 2)
    assert sensors.observations[-1].tick == 0


@pytest.mark.parametrize("shift_s", [100.0, -100.0, 0.6, -0.6])
def test_a_camera_on_another_clock_is_named_and_is_no_reset_of_the_world(
    sensors: Sensors, shift_s: float
) -> None:
    """It had all samples forgotten with each of its pictures, and nobody told why there were no observations."""
    clock = sensors.peer.create_publisher(ClockMsg, "/clock", 10)
    sensors.until(lambda: clock.get_subscription_count() >= 1)
    name = next(iter(ROBOT.cameras))
    for tick in range(3000, 3030):
        now_ns = ticks.time_of(tick, 30.0)
        clock.publish(ClockMsg(clock=ticks.stamp(now_ns)))
        sensors.until(lambda now_ns=now_ns: sensors.node.get_clock().now().nanoseconds >= now_ns)
        sensors.tick(tick, tick % 200, skip=name)
        stamp_ns = now_ns + round(shift_s * 1e9)
        picture = np.full((192, 256, 3), tick % 200, np.uint8)
        sensors._cameras[name].publish(images.to_message(picture, "rgb8", ticks.stamp(stamp_ns), name))
        expected = dict.fromkeys([*ROBOT.cameras, "joint states"], now_ns) | {name: stamp_ns}
        sensors.until(lambda expected=expected: sensors.node._stamps == expected)
    sensors.node._on_deadline()
    assert sensors.node._fault is not None
    assert sensors.node._fault.code is ErrorCode.FRAME_SKEWED and name in sensors.node._fault.text


def test_a_camera_that_is_not_found_yet_is_not_missed_and_one_that_never_comes_is(sensors: Sensors) -> None:
    """Every successful run began with the warning FRAME_MISSING: joints are found before pictures."""
    clock = sensors.peer.create_publisher(ClockMsg, "/clock", 10)
    sensors.until(lambda: clock.get_subscription_count() >= 1)
    sensors.tick(0, shade=10, skip="head")
    clock.publish(ClockMsg(clock=ticks.stamp_of(29, 30.0)))
    sensors.until(lambda: sensors.node.get_clock().now().nanoseconds >= ticks.time_of(29, 30.0))
    sensors.until(lambda: sensors.node._newest_ns >= 0)
    sensors.node._on_deadline()
    assert sensors.node._fault is None
    sensors.now_ns += 4 * 10**9
    sensors.node._on_deadline()
    assert sensors.node._fault is None, "a world that stands has no pictures to send, however long"
    clock.publish(ClockMsg(clock=ticks.stamp_of(60, 30.0)))
    sensors.until(lambda: sensors.node.get_clock().now().nanoseconds >= 2 * 10**9)
    sensors.node._on_deadline()
    assert "has sent nothing yet" in str(sensors.node._fault)


def test_a_camera_that_sends_compressed_pictures_only_is_seen(sensors: Sensors) -> None:
    """As when a bag is played back: it holds no raw pictures."""
    name = next(iter(ROBOT.cameras))
    topic = f"/{name}_camera/image_raw"
    compressed = sensors.peer.create_publisher(CompressedImage, f"{topic}/compressed", qos.SENSOR_SOURCE)
    sensors.peer.destroy_publisher(sensors._cameras[name])
    sensors.until(
        lambda: sensors.node.count_publishers(topic) == 0 and compressed.get_subscription_count() == 1
    )
    picture = cv2.imencode(".png", np.full((192, 256, 3), (1, 2, 90), np.uint8))[1]
    message = CompressedImage(format="rgb8; png compressed bgr8", data=picture.tobytes())
    message.header.stamp = ticks.stamp_of(5, 30.0)
    compressed.publish(message)
    sensors.tick(5, 50, skip=name)
    sensors.until(lambda: bool(sensors.observations))
    seen = conversions.observation_from_msg(sensors.observations[0])
    assert seen.images[name][0, 0].tolist() == [90, 2, 1]


def test_an_arm_and_a_gripper_that_publish_their_own_joints_are_one_robot(sensors: Sensors) -> None:
    arms = len(ROBOT.joint_names)
    own = sensors.peer.create_publisher(JointState, "/joint_states", qos.SENSOR_SOURCE)
    sensors.until(lambda: own.get_subscription_count() == 1)
    sensors.joints = [(sensors.joints[0][0], slice(arms)), (own, slice(arms, None))]
    for tick in (1, 2, 3):
        sensors.tick(tick, shade=40 * tick)
        sensors.until(lambda count=tick: len(sensors.observations) == count)
    assert [message.tick for message in sensors.observations] == [1, 2, 3]
    state = Kinematics(ROBOT).forward(sensors.home, np.array([1.0, 0.5]))
    np.testing.assert_allclose(sensors.observations[-1].state, state, atol=1e-6)
    sensors.joints.pop()
    sensors.tick(7, shade=200)
    sensors.until(lambda: sensors.node._fault is not None)
    assert "left_gripper, right_gripper last told 133 ms before the others" in str(sensors.node._fault)
