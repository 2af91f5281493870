"""Laws of the hardware node with its back end `ros2_control`, against MuJoCo behind real topics.

The robot is the rehearsal robot: a node that speaks ros2_control's topics and knows nothing of ours. The test owns
time.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
import yaml
from own_domain import own_domain
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from spinning import spin_until
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from segue_control.node.hardware_node import HardwareNode
from segue_core.contracts.files import load_robot
from segue_interfaces.srv import EmergencyStop, Recover
from segue_ros import qos, ticks
from segue_sim.node.rehearsal_node import RehearsalRobot

CONFIG = Path(__file__).parents[3] / "config"
ROBOT_FILE = CONFIG / "robots" / "dual_arm.yaml"
ROBOT = load_robot(str(ROBOT_FILE))
NAMES = [*ROBOT.joint_names, *ROBOT.gripper_names]
PERIOD_NS = round(1e9 / ROBOT.control_rate_hz)
PHYSICS_PER_PERIOD = 4
REHEARSAL = yaml.safe_load((CONFIG / "hardware" / "rehearsal.yaml").read_text())


class Bench:
    """A robot, its hardware node, and a peer in place of the controller. `settings` are the robot's parameters."""

    def __init__(
        self, folder: Path, hardware: dict[str, Any], settings: dict[str, str] | None = None
    ) -> None:
        file = folder / "hardware.yaml"
        file.write_text(yaml.safe_dump({"connect_timeout_s": 60.0, **hardware}))
        given = {"robot_file": ROBOT_FILE, "task_file": CONFIG / "tasks" / "pick_place.yaml"}
        robot = [f"arm_controller:{k}:={v}" for k, v in {**given, **(settings or {})}.items()]
        own = [f"hardware:robot_file:={ROBOT_FILE}", f"hardware:hardware:={file}"]
        common = ["use_sim_time:=true", "autostart:=false"]
        parameters = [part for text in (*robot, *own, *common) for part in ("-p", text)]
        rclpy.init(args=["test", "--ros-args", *parameters], domain_id=own_domain())
        self.now_ns = 10**10
        self.executor = SingleThreadedExecutor()
        self.robot: RehearsalRobot | None = None
        self.node = HardwareNode(steady_ns=lambda: self.now_ns)
        self.peer = Node("peer")
        for node in (self.node, self.peer):
            self.executor.add_node(node)
        self.states: list[JointState] = []
        self.sent: list[JointTrajectory] = []
        self.stops: list[str] = []
        self.peer.create_subscription(JointState, "/joint_states", self.states.append, qos.SENSOR)
        topic = "/arm_controller/joint_trajectory"
        self.peer.create_subscription(JointTrajectory, topic, self.sent.append, qos.COMMAND)
        self.peer.create_service(EmergencyStop, "/segue/emergency_stop", self._on_stop)
        self._clock = self.peer.create_publisher(Clock, "/clock", 10)
        self.wire = self.peer.create_publisher(JointTrajectory, "/joint_command", qos.COMMAND)
        self.recovery = self.peer.create_client(Recover, "/segue/hardware/recover")

    def _on_stop(
        self, request: EmergencyStop.Request, answer: EmergencyStop.Response
    ) -> EmergencyStop.Response:
        self.stops.append(request.reason)
        answer.success = True
        return answer

    def switch_on(self) -> None:
        """The robot and its controllers, standing still until time passes."""
        self.robot = RehearsalRobot()
        self.executor.add_node(self.robot)
        self.robot.trigger_configure()
        self.robot.trigger_activate()
        for timer in self.robot._timers_made:
            timer.cancel()
        self.home = self.robot.world.joint_positions()

    def connect(self) -> TransitionCallbackReturn:
        """Configures and activates the hardware node."""
        with self._robot_answers():
            if self.node.trigger_configure() != TransitionCallbackReturn.SUCCESS:
                return TransitionCallbackReturn.FAILURE
        result = self.node.trigger_activate()
        for timer in self.node._timers_made:
            timer.cancel()
        self.until(lambda: self.wire.get_subscription_count() == 1)
        self.until(lambda: self._clock.get_subscription_count() == 3)
        self.until(lambda: self.node._stop_controller.service_is_ready())
        self.step(2)
        return result

    @contextmanager
    def _robot_answers(self) -> Iterator[None]:
        """While the hardware node asks around, the robot is a process of its own."""
        if self.robot is None:
            yield
            return
        self.executor.remove_node(self.robot)
        own = SingleThreadedExecutor()
        own.add_node(self.robot)
        thread = threading.Thread(target=own.spin)
        thread.start()
        yield
        own.shutdown()
        thread.join()
        self.executor.add_node(self.robot)

    def rest(self, seconds: float) -> None:
        """Lets time pass for the robot alone."""
        for _ in range(round(seconds / ROBOT.physics_step_s)):
            self.now_ns += round(1e9 * ROBOT.physics_step_s)
            self.robot.advance(self.now_ns * 1e-9)

    def until(self, done: Callable[[], bool]) -> None:
        """Spins until `done`, or fails."""
        spin_until(self.executor, done)

    def step(self, count: int = 1, states: bool = True) -> None:
        """Lets control periods pass."""
        assert self.robot is not None
        for _ in range(count):
            self.now_ns += PERIOD_NS
            self._clock.publish(Clock(clock=ticks.stamp(self.now_ns)))
            self.until(lambda: self._at(self.node) and self._at(self.robot))
            for substep in range(PHYSICS_PER_PERIOD):
                late = (PHYSICS_PER_PERIOD - 1 - substep) * ROBOT.physics_step_s
                self.robot.advance(self.now_ns * 1e-9 - late)
            if states:
                self._tell_states()
            self.node._update()

    def _at(self, node: Any) -> bool:
        return bool(node.get_clock().now().nanoseconds == self.now_ns)

    def _tell_states(self) -> None:
        assert self.robot is not None
        self.robot.publish_states()
        now_s = self.now_ns * 1e-9
        self.until(lambda: bool(self.node._backend._states._times.min() >= now_s - 1e-9))

    def command(self, q: np.ndarray, opening: float = 1.0, wire: Any = None) -> None:
        """Publishes one joint command and waits until it was looked at."""
        before = self.node._link.counts["refused"], self.node._last
        point = JointTrajectoryPoint(positions=[*q.tolist(), opening, opening])
        (wire or self.wire).publish(JointTrajectory(joint_names=NAMES, points=[point]))
        self.until(lambda: (self.node._link.counts["refused"], self.node._last) != before)

    def swing(self, periods: int, *, to: np.ndarray) -> None:
        """A smooth motion from home to `to`, one command per period."""
        for number in range(1, periods + 1):
            share = 0.5 - 0.5 * np.cos(np.pi * number / periods)
            self.command(self.home + share * (to - self.home))
            self.step()

    def speed(self) -> float:
        """The fastest joint of the robot [rad/s]."""
        assert self.robot is not None
        return float(np.abs(self.robot.world.joint_velocities()).max())

    def close(self) -> None:
        """Takes everything down. May be called twice."""
        if not rclpy.ok():
            return
        for node in (self.node, self.robot):
            if node is not None:
                node.end()
                node.destroy_node()
        self.peer.destroy_node()
        rclpy.shutdown()


Start = Callable[..., Bench]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    made: list[Bench] = []

    def start(hardware: dict[str, Any] = REHEARSAL, **settings: str) -> Bench:
        made.append(Bench(tmp_path, hardware, settings))
        return made[-1]

    yield start
    for bench in made:
        bench.close()


def _with(**changes: Any) -> dict[str, Any]:
    return {**REHEARSAL, "options": {**REHEARSAL["options"], **changes}}


def test_the_robot_follows_tells_its_joints_by_our_names_and_rests_when_commands_end(start: Start) -> None:
    """Fault 17 at the end: the controller is gone in full motion, and its last message holds the stop."""
    (command,) = REHEARSAL["options"]["commands"]
    ahead = _with(commands=[{**command, "lead_s": 0.02}])
    bench = start(ahead, joints=str(list(ROBOT.joint_names)), allow_trajectory_replacement="true")
    bench.switch_on()
    assert bench.connect() == TransitionCallbackReturn.SUCCESS
    for number in range(30):
        bench.command(bench.home + 0.0001 * number**2 * np.eye(14)[8], opening=0.0)
        bench.step()
    told, sent = bench.states[-1], bench.sent[-1]
    assert list(told.name) == [*NAMES, *ROBOT.finger_names] and max(told.position[14:16]) < 0.9
    fingers = [0.04 * opening for opening in told.position[14:16] for _ in range(2)]  # metres, both of a hand
    np.testing.assert_allclose(told.position[16:], fingers, atol=1e-9)
    np.testing.assert_allclose(told.position[:14], bench.node._last.q, atol=0.15)
    assert ticks.nanoseconds(sent.header.stamp) - bench.now_ns in (20_000_000, 20_000_000 - PERIOD_NS), (
        "spliced"
    )
    assert bench.speed() > 0.3
    bench.step(6)
    assert not bench.node._link.following and bench.node._link.counts["timeout"] == 1
    bench.rest(0.45)
    assert bench.speed() < 0.01
    assert bench.robot.world.joint_positions()[8] == pytest.approx(sent.points[-1].positions[8], abs=2e-3)


def test_states_that_stop_stop_robot_and_controller_until_both_are_recovered(start: Start) -> None:
    """Faults 13 and 15: states that stop; then a second publisher on the wire."""
    bench = start()
    bench.switch_on()
    bench.connect()
    bench.command(bench.home)
    for _ in range(14):
        bench.step(states=False)
        bench.command(bench.home)
    bench.until(lambda: bool(bench.stops))
    assert bench.stops[0].startswith("hardware: [306 CONTROL_STATE_STALE]")
    bench.step(2)
    bench.command(bench.home)
    assert not bench.node._link.following, "nothing moves without a recovery"
    answer = bench.recovery.call_async(Recover.Request())
    bench.until(answer.done)
    assert answer.result().success
    bench.command(bench.home)
    assert bench.node._link.following
    _interfere(bench)


def _interfere(bench: Bench) -> None:
    intruder = Node("intruder")
    foreign = intruder.create_publisher(JointTrajectory, "/joint_command", qos.COMMAND)
    bench.until(lambda: foreign.get_subscription_count() == 1)
    bench.command(bench.home + 0.3, wire=foreign)
    bench.step(3)
    np.testing.assert_allclose(bench.robot.world.joint_positions(), bench.home, atol=2e-3)
    bench.until(lambda: len(bench.node.get_publishers_info_by_topic("/joint_command")) == 2)
    bench.node._watch_wire()
    bench.node._update()
    bench.until(lambda: len(bench.stops) == 2)
    assert "311 CONTROL_FOREIGN_COMMAND" in bench.stops[1] and "/intruder" in bench.stops[1]
    intruder.destroy_node()


def test_without_the_robot_the_message_says_what_is_missing(start: Start) -> None:
    bench = start({**REHEARSAL, "connect_timeout_s": 0.3})
    assert bench.connect() == TransitionCallbackReturn.FAILURE
    text = str(bench.node._refusal)
    assert text.startswith("[312 CONTROL_HARDWARE] nobody publishes joint states on /joint_state_broadcaster")
    assert "see that the driver of 'dual_arm' runs, on this ROS domain" in text


BACKWARDS = [*ROBOT.joint_names[7:], *ROBOT.joint_names[:7]]


def test_numbers_without_names_go_in_the_controllers_own_order_or_not_at_all(start: Start) -> None:
    array = {"kind": "position_array", "topic": "/arm_controller/commands"}
    bench = start(_with(commands=[array]), controller="position_array", joints=str(BACKWARDS))
    bench.switch_on()
    assert bench.connect() == TransitionCallbackReturn.FAILURE
    assert "other joints, in this order; got left_joint1" in str(bench.node._refusal)
    bench.close()
    bench = start(
        _with(commands=[{**array, "joints": BACKWARDS}]), controller="position_array", joints=str(BACKWARDS)
    )
    bench.switch_on()
    assert bench.connect() == TransitionCallbackReturn.SUCCESS
    goal = bench.home + 0.05 * np.eye(14)[1]
    bench.swing(12, to=goal)
    np.testing.assert_allclose(bench.robot._targets, goal, atol=1e-9)


def test_speeds_follow_the_path_and_are_set_to_zero_in_the_end(start: Start) -> None:
    commands = [{"kind": "velocity_array", "topic": "/arm_controller/commands", "watchdog": True}]
    bench = start(_with(commands=commands), controller="velocity_array", interface_name="velocity")
    bench.switch_on()
    assert bench.connect() == TransitionCallbackReturn.SUCCESS
    goal = bench.home + 0.1 * np.eye(14)[5]
    bench.swing(25, to=goal)
    assert np.abs(bench.robot._speeds).max() > 0
    bench.step(6)
    bench.until(lambda: not bench.robot._speeds.any())
    np.testing.assert_allclose(bench.robot._targets, goal, atol=0.04)
