"""Messages of any driver, by configuration alone: sent over real topics, and read back."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from control_msgs.action import GripperCommand, ParallelGripperCommand
from geometry_msgs.msg import PoseStamped, Twist
from own_domain import own_domain
from rclpy.action import ActionServer
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState
from spinning import spin_until
from std_msgs.msg import Float64MultiArray

from segue_control import backends
from segue_control.backends.topics import TopicBackend
from segue_control.device_topics.dynamic import get_field, message_class, set_field
from segue_control.hardware.franka import FrankaOptions
from segue_control.hardware.mapping import gripper_axes, joint_axes
from segue_control.hardware.motion import Motion
from segue_control.hardware.settings import TopicOptions
from segue_control.robot.kinematics import Kinematics
from segue_core.contracts.base import load_yaml, parse_model
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ControlError, ErrorCode
from segue_interfaces.action import PredictChunk

_DEGREES = 57.29577951


@pytest.fixture
def nodes() -> Iterator[tuple[Node, Node, Callable[[Callable[[], bool]], None]]]:
    """Our node, the driver's, and a way to spin both until something is so."""
    rclpy.init(args=[], domain_id=own_domain())
    ours, driver, executor = Node("hardware"), Node("driver"), SingleThreadedExecutor()
    executor.add_node(ours)
    executor.add_node(driver)

    def until(done: Callable[[], bool]) -> None:
        spin_until(executor, done)

    yield ours, driver, until
    ours.destroy_node()
    driver.destroy_node()
    rclpy.shutdown()


def _hardware(robot: RobotConfig, **options: Any) -> HardwareConfig:
    hand = {"joint": "f", "closed": 0.0, "open": 5.0, "command": {"kind": "none"}}
    common = {"states": [{"topic": "/driver/joints"}], "grippers": dict.fromkeys(robot.gripper_names, hand)}
    return HardwareConfig(backend="topics", options={**common, **options})


def test_fields_are_found_by_path_and_a_wrong_one_is_refused() -> None:
    twist = Twist()
    set_field(twist, "angular.y", 2)
    assert get_field(twist, "angular.y") == 2.0
    joints = JointState(position=[1.0, 2.0])
    set_field(joints, "position[1]", 5.0)
    assert joints.position[1] == 5.0
    for path in ("angular.w", "linear[0]", "x"):
        with pytest.raises(ConfigError, match="has no field"):
            set_field(twist, path, 1.0)


def test_a_driver_whose_messages_are_not_installed_is_named_with_the_cure() -> None:
    with pytest.raises(ConfigError, match="ros-\\$ROS_DISTRO-kinova-msgs") as missing:
        message_class("kinova_msgs/msg/JointVelocity")
    assert missing.value.code is ErrorCode.ENVIRONMENT_INCOMPLETE
    with pytest.raises(ConfigError, match="no msg 'Twits'"):
        message_class("geometry_msgs/msg/Twits")


def test_speeds_in_degrees_go_into_the_fields_of_a_message_at_the_drivers_own_rate(
    robot: RobotConfig, kinematics: Kinematics, nodes: Any
) -> None:
    ours, driver, until = nodes
    command = {
        "kind": "message",
        "type": "geometry_msgs/msg/Twist",
        "topic": "/driver/in",
        "joints": robot.joint_names[:6],
        "fields": ["linear.x", "linear.y", "linear.z", "angular.x", "angular.y", "angular.z"],
        "quantity": "velocity",
        "scale": _DEGREES,
        "watchdog": True,
        "rate_hz": 100.0,
    }
    heard: list[Twist] = []
    driver.create_subscription(Twist, "/driver/in", heard.append, 10)
    backend = TopicBackend(ours, robot, _hardware(robot, commands=[command]), lambda: 0.0)
    until(lambda: ours.count_subscribers("/driver/in") == 1)
    speeds = np.linspace(0.1, 0.6, 14)
    backend.write(Motion(kinematics.home, speeds, np.ones(2), by_speed=True), 0.0)
    until(lambda: len(heard) >= 3)
    np.testing.assert_allclose(
        [heard[-1].linear.x, heard[-1].angular.z], np.degrees([speeds[0], speeds[5]]), rtol=1e-6
    )
    backend.stop(0.0)
    until(lambda: heard[-1] == Twist())
    backend.close()


def test_a_cartesian_controller_is_told_the_tools_pose(
    robot: RobotConfig, kinematics: Kinematics, nodes: Any
) -> None:
    ours, driver, until = nodes
    heard: list[PoseStamped] = []
    driver.create_subscription(PoseStamped, "/cartesian/target_frame", heard.append, 10)
    command = {"kind": "pose", "topic": "/cartesian/target_frame", "arm": "right"}
    backend = TopicBackend(ours, robot, _hardware(robot, commands=[command]), lambda: 0.0)
    until(lambda: ours.count_subscribers("/cartesian/target_frame") == 1)
    backend.write(Motion(kinematics.home, np.zeros(14), np.ones(2)), 0.0)
    until(lambda: bool(heard))
    told, pose = heard[0].pose.position, kinematics.poses(kinematics.home)
    np.testing.assert_allclose([told.x, told.y, told.z], pose.positions[1], atol=1e-12)
    assert heard[0].header.frame_id == "base_link"
    backend.close()


def test_joints_that_come_in_a_message_of_the_drivers_own_are_read_by_their_fields(
    robot: RobotConfig, nodes: Any
) -> None:
    ours, driver, until = nodes
    fields = {name: f"axes[{i}]" for i, name in enumerate((*robot.joint_names, "f"))}
    states = [{"topic": "/driver/out", "type": "sensor_msgs/msg/Joy", "fields": fields}]
    with pytest.raises(ConfigError, match=r"has no field 'axes\[0\]'"):
        TopicBackend(ours, robot, _hardware(robot, states=states, commands=[_joint_state()]), lambda: 0.0)
    dotted = {"f": "linear.x"} | dict.fromkeys(robot.joint_names, "angular.z")
    states = [{"topic": "/driver/out", "type": "geometry_msgs/msg/Twist", "fields": dotted, "scale": 0.5}]
    hardware = _hardware(robot, states=states, commands=[_joint_state()])
    backend = TopicBackend(ours, robot, hardware, lambda: 1.0)
    out = driver.create_publisher(Twist, "/driver/out", 10)
    until(lambda: out.get_subscription_count() == 1)
    assert backend.read(1.0) is None
    message = Twist()
    message.angular.z, message.linear.x = 0.8, 5.0
    out.publish(message)
    until(lambda: backend._states.measured_s == 1.0)
    measured = backend.read(1.0)
    assert measured is not None
    np.testing.assert_allclose(measured.q, 0.4)
    np.testing.assert_allclose(measured.grippers, 0.5)
    assert backend.read(1.0) is None, "each measurement once"
    backend.close()


def _joint_state() -> dict[str, Any]:
    return {"kind": "joint_state", "topic": "/driver/in"}


def test_grippers_and_constants_travel_in_the_joints_message(
    robot: RobotConfig, kinematics: Kinematics, nodes: Any
) -> None:
    ours, driver, until = nodes
    command = {
        "kind": "message",
        "type": "geometry_msgs/msg/Twist",
        "topic": "/driver/in",
        "joints": robot.joint_names[:2],
        "fields": ["linear.x", "linear.y"],
        "grippers": {"left_gripper": "angular.x"},
        "constants": {"angular.z": 3.0},
    }
    heard: list[Twist] = []
    driver.create_subscription(Twist, "/driver/in", heard.append, 10)
    backend = TopicBackend(ours, robot, _hardware(robot, commands=[command]), lambda: 0.0)
    until(lambda: ours.count_subscribers("/driver/in") == 1)
    backend.write(Motion(kinematics.home, np.zeros(14), np.array([0.5, 1.0])), 0.0)
    until(lambda: bool(heard))
    twist = heard[0]
    assert (twist.angular.x, twist.angular.z) == (2.5, 3.0)
    np.testing.assert_allclose([twist.linear.x, twist.linear.y], kinematics.home[:2])
    backend.close()


CONFIG = Path(__file__).parents[3] / "config"
ANOTHER_NAME = {
    "franka_ros2": "franka",
    "rehearsal": "dual_arm",
}  # files that are not called like their robot


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONFIG / "hardware").glob("*.yaml")))
def test_every_shipped_file_fits_the_contract_of_its_robot(name: str) -> None:
    path = CONFIG / "hardware" / f"{name}.yaml"
    hardware = load_yaml(path.read_text(), HardwareConfig, path.name)
    assert hardware.backend in backends.names() and hardware.description
    contract = CONFIG / "robots" / f"{ANOTHER_NAME.get(name, name)}.yaml"
    if hardware.backend == "franka":
        options = parse_model(hardware.options, FrankaOptions, path.name)
        robot = load_yaml(contract.read_text(), RobotConfig, contract.name)
        assert set(options.arms) == {arm.name for arm in robot.arms}
        return
    topics = parse_model(hardware.options, TopicOptions, path.name)
    if not contract.is_file():
        assert name == "arx", "a file for a contract that the user writes"
        return
    robot = load_yaml(contract.read_text(), RobotConfig, contract.name)
    joint_axes(robot, topics.joints)
    gripper_axes(robot, topics.grippers)
    commanded = [joint for topic in topics.commands for joint in topic.joints or robot.joint_names]
    assert sorted(commanded) == sorted(robot.joint_names)
    speeds = robot.control.interface == "velocity"
    assert any(topic.velocities for topic in topics.commands) <= speeds


def test_a_gripper_that_nobody_moves_is_named_before_anything_else_does(
    robot: RobotConfig, nodes: Any
) -> None:
    ours, driver, _ = nodes
    hand = {"closed": 0.0, "open": 1.0, "command": {"kind": "array", "topic": "/hand/commands"}}
    heard = {"closed": 0.0, "open": 1.0, "command": {"kind": "array", "topic": "/other/commands"}}
    grippers = {"left_gripper": heard, "right_gripper": hand}
    hardware = _hardware(robot, commands=[_joint_state()], grippers=grippers)
    hardware = hardware.model_copy(update={"connect_timeout_s": 1.0})
    driver.create_publisher(JointState, "/driver/joints", 10)
    for kind, topic in ((Float64MultiArray, "/other/commands"), (JointState, "/driver/in")):
        driver.create_subscription(kind, topic, lambda _: None, 10)
    backend = TopicBackend(ours, robot, hardware, lambda: 0.0)
    with pytest.raises(ControlError, match="commands of right_gripper on /hand/commands") as missing:
        backend.connect()
    assert missing.value.code is ErrorCode.CONTROL_HARDWARE
    backend.close()


@pytest.mark.parametrize("kind", ["action", "parallel_action"])
def test_a_gripper_action_is_sent_the_drivers_own_position(
    robot: RobotConfig, kinematics: Kinematics, nodes: Any, kind: str
) -> None:
    ours, driver, until = nodes
    parallel = kind == "parallel_action"
    action: Any = ParallelGripperCommand if parallel else GripperCommand
    goals: list[Any] = []

    def execute(handle: Any) -> Any:
        goals.append(handle.request)
        handle.succeed()
        return action.Result()

    server = ActionServer(driver, action, "/hand/gripper_cmd", execute)
    command = {"kind": kind, "topic": "/hand/gripper_cmd", "force_n": 30.0}
    hand = {"joint": "f", "closed": 0.0, "open": 0.04, "command": command}
    watched = {**hand, "command": {"kind": "none"}}
    grippers = {"left_gripper": hand, "right_gripper": watched}
    hardware = _hardware(robot, commands=[_joint_state()], grippers=grippers)
    backend = TopicBackend(ours, robot, hardware, lambda: 0.0)
    until(backend._grippers[0].heard)
    backend.write(Motion(kinematics.home, np.zeros(14), np.array([0.25, 1.0])), 10.0)
    until(lambda: bool(goals))
    told = goals[0].command
    got = (told.position[0], told.effort[0]) if parallel else (told.position, told.max_effort)
    assert got == pytest.approx((0.01, 30.0))
    backend.close()
    server.destroy()


def test_an_action_of_the_drivers_own_is_sent_by_its_fields(
    robot: RobotConfig, kinematics: Kinematics, nodes: Any
) -> None:
    """With an action type that is here, in place of kinova_msgs/action/SetFingersPosition."""
    ours, driver, until = nodes
    goals: list[Any] = []

    def execute(handle: Any) -> Any:
        goals.append(handle.request)
        handle.succeed()
        return PredictChunk.Result()

    server = ActionServer(driver, PredictChunk, "/hand/fingers", execute)
    command = {"kind": "action", "topic": "/hand/fingers", "type": "segue_interfaces/action/PredictChunk"}
    command |= {"fields": ["horizon", "dim"]}
    hand = {"closed": 6800.0, "open": 0.0, "command": command}
    hardware = _hardware(robot, commands=[_joint_state()], grippers=dict.fromkeys(robot.gripper_names, hand))
    backend = TopicBackend(ours, robot, hardware, lambda: 0.0)
    until(backend._grippers[0].heard)
    backend.write(Motion(kinematics.home, np.zeros(14), np.array([0.5, 0.5])), 10.0)
    until(lambda: bool(goals))
    assert (goals[0].horizon, goals[0].dim) == (3400, 3400)
    backend.close()
    server.destroy()
