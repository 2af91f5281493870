"""Laws of the controller node, over real topics and services; the test owns both clocks."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rclpy
from own_domain import own_domain
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from spinning import spin_until
from trajectory_msgs.msg import JointTrajectory

from segue_control.node import ControllerNode
from segue_core.controller_config import Interface
from segue_core.robot_config import RobotConfig
from segue_interfaces.msg import RobotCommand, SafetyState
from segue_interfaces.srv import Arm, EmergencyStop, Recover
from segue_ros import conversions, qos, ticks
from segue_ros.contracts import load_robot

ROBOTS = Path(__file__).parents[3] / "config" / "robots"
EVERY_ROBOT = pytest.mark.parametrize("bench", sorted(p.stem for p in ROBOTS.glob("*.yaml")), indirect=True)


class Bench:
    """The controller node, and everything around it in one peer node."""

    def __init__(self, robot: RobotConfig) -> None:
        self.robot, self.period_ns = robot, round(1e9 / robot.control_rate_hz)
        self.now_ns = 10**10
        self.node = ControllerNode(steady_ns=lambda: self.now_ns)
        self.peer = Node("bench")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.executor.add_node(self.peer)
        self.commands: list[JointTrajectory] = []
        self.states: list[SafetyState] = []
        self.peer.create_subscription(JointTrajectory, "/joint_command", self.commands.append, qos.COMMAND)
        self.peer.create_subscription(SafetyState, "/segue/safety", self.states.append, qos.STATE)
        self._clock = self.peer.create_publisher(Clock, "/clock", 10)
        self._joints = self.peer.create_publisher(JointState, "/joint_states", qos.SENSOR_SOURCE)
        self._commands = self.peer.create_publisher(RobotCommand, "/segue/command", qos.COMMAND)
        self._clients = {
            kind: self.peer.create_client(kind, name)
            for kind, name in (
                (Arm, "/segue/arm"),
                (EmergencyStop, "/segue/emergency_stop"),
                (Recover, "/segue/recover"),
            )
        }
        self.node.trigger_configure()
        self.node.trigger_activate()
        self.home = self.node._controller.kinematics.home
        heard = {self._joints: 1, self._commands: 1, self._clock: 2}
        self.until(lambda: all(out.get_subscription_count() == count for out, count in heard.items()))

    def until(self, done: Callable[[], bool]) -> None:
        """Spins until `done`, or fails."""
        spin_until(self.executor, done, "the node did not answer")

    def step(self, count: int = 1, joints: bool = True) -> None:
        """Lets control periods pass, one by one."""
        for _ in range(count):
            self.now_ns += self.period_ns
            if joints:
                self.joints(self.home)
            self._clock.publish(Clock(clock=ticks.stamp(self.now_ns)))
            self.until(lambda: self.node.get_clock().now().nanoseconds == self.now_ns)
            self.executor.spin_once(timeout_sec=0.0)

    def joints(self, q: np.ndarray) -> None:
        """Publishes joint states and waits until they arrived."""
        names = [*self.robot.joint_names, *self.robot.gripper_names]
        before = self.node._measured
        position = [*q.tolist(), *[1.0] * len(self.robot.arms)]
        self._joints.publish(JointState(name=names, position=position, velocity=[0.0] * len(names)))
        self.until(lambda: self.node._measured is not before)

    def call(self, request: object) -> object:
        """The answer to a service request."""
        kind = next(kind for kind in self._clients if isinstance(request, kind.Request))
        self.until(self._clients[kind].service_is_ready)
        answer = self._clients[kind].call_async(request)
        self.until(answer.done)
        return answer.result()

    def command(
        self, tick: int, run_id: str = "run", rise: float = 0.0, publisher: Publisher | None = None
    ) -> None:
        """Publishes a command; it is waited for by what it changes."""
        action = self.node._controller.kinematics.forward(self.home, np.ones(len(self.robot.arms)))
        action[2] += rise
        command = conversions.Command(tick, run_id, action, hold=False, starved=False)
        (publisher or self._commands).publish(
            conversions.command_to_msg(command, self.robot.action_space, ticks.stamp(self.now_ns))
        )

    def age_is(self, low: float, high: float) -> bool:
        """Whether the last admitted command is that old."""
        return low <= self.node._controller.guard.command_age_s(self.now_ns) <= high

    def close(self) -> None:
        """Takes both nodes down."""
        self.node.end()
        self.node.destroy_node()
        self.peer.destroy_node()


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A bench with a disarmed controller of `dual_arm`, or of the robot that the test is parametrised with."""
    file = ROBOTS / f"{getattr(request, 'param', 'dual_arm')}.yaml"
    arguments = [
        "test",
        "--ros-args",
        "-p",
        f"robot_file:={file}",
        "-p",
        "use_sim_time:=true",
        "-p",
        "autostart:=false",
    ]
    rclpy.init(args=arguments, domain_id=own_domain())
    bench = Bench(load_robot(str(file)))
    yield bench
    bench.close()
    rclpy.shutdown()


@EVERY_ROBOT
def test_a_disarmed_controller_is_silent_and_an_armed_one_is_not(bench: Bench) -> None:
    bench.step(5)
    assert bench.commands == []
    assert bench.call(Arm.Request(arm=True)).success
    bench.step(5)
    bench.until(lambda: len(bench.commands) > 0)
    point, joints = bench.commands[-1].points[0], len(bench.home)
    np.testing.assert_allclose(point.positions[:joints], bench.home, atol=1e-9)
    told = bench.robot.control.interface
    assert [len(values) > 0 for values in (point.velocities, point.effort)] == [
        told is Interface.VELOCITY,
        told is Interface.EFFORT,
    ]
    assert list(bench.commands[-1].joint_names) == [*bench.robot.joint_names, *bench.robot.gripper_names]


def test_arming_without_joint_states_says_why_not(bench: Bench) -> None:
    answer = bench.call(Arm.Request(arm=True))
    assert not answer.success
    assert (answer.error_code, answer.error_text) == (306, "no joint states received yet")


@EVERY_ROBOT
def test_commands_of_another_run_are_counted_and_not_executed(bench: Bench) -> None:
    bench.step()
    bench.call(Arm.Request(arm=True))
    bench.command(1)
    bench.until(lambda: bench.age_is(0.0, 1.0))
    guard = bench.node._controller.guard
    for tick in range(2, 7):
        bench.command(tick, run_id="intruder", rise=0.05)
        bench.until(lambda count=tick: guard.counts["foreign"] == count - 1)
        bench.step(4)
    np.testing.assert_allclose(guard.position, bench.home, atol=1e-6)


@EVERY_ROBOT
def test_a_second_scheduler_with_the_same_run_id_is_counted_and_not_executed(bench: Bench) -> None:
    """Fault 15: two schedulers of one name once took the same goal and were both obeyed."""
    bench.step()
    bench.call(Arm.Request(arm=True))
    bench.command(1)
    bench.until(lambda: bench.age_is(0.0, 1.0))
    second = bench.peer.create_publisher(RobotCommand, "/segue/command", qos.COMMAND)
    bench.until(lambda: second.get_subscription_count() == 1)
    guard = bench.node._controller.guard
    for tick in range(2, 5):
        bench.command(tick, rise=0.05, publisher=second)
        bench.until(lambda count=tick: guard.counts["foreign"] == count - 1)
        bench.step(4)
    np.testing.assert_allclose(guard.position, bench.home, atol=1e-6)


def test_beside_a_second_controller_nothing_is_armed(bench: Bench) -> None:
    """Fault 15: both were once armed by one call, and both drove the robot."""
    bench.step()
    context = Context()
    context.init(args=[], domain_id=bench.peer.context.get_domain_id())
    second = Node("controller", context=context)
    bench.until(lambda: bench.node.get_node_names().count("controller") == 2)
    refused = bench.call(Arm.Request(arm=True))
    assert (refused.success, refused.error_code) == (False, 608)
    assert "2 nodes are called /controller" in refused.error_text
    second.destroy_node()
    context.shutdown()
    bench.until(lambda: bench.node.get_node_names().count("controller") == 1)
    intruder = bench.peer.create_publisher(JointTrajectory, "/joint_command", qos.COMMAND)
    bench.until(lambda: bench.node.count_publishers("/joint_command") == 2)
    refused = bench.call(Arm.Request(arm=True))
    assert (refused.success, refused.error_code) == (False, 311)
    assert "got /bench, /controller; expected one" in refused.error_text
    bench.step(5)
    assert bench.commands == []
    bench.peer.destroy_publisher(intruder)
    bench.until(lambda: bench.node.count_publishers("/joint_command") == 1)
    assert bench.call(Arm.Request(arm=True)).success


@EVERY_ROBOT
def test_a_loop_that_was_late_stops_and_counts_what_it_missed(bench: Bench) -> None:
    bench.step()
    bench.call(Arm.Request(arm=True))
    bench.step(2)
    bench.now_ns += 60 * bench.period_ns
    bench.joints(bench.home)
    bench.step()
    guard = bench.node._controller.guard
    bench.until(lambda: guard.fault is not None)
    assert guard.fault is not None
    assert int(guard.fault.code) == 310
    assert bench.node._loop.overruns == 60


@EVERY_ROBOT
def test_an_emergency_stop_outlives_everything_but_recovery(bench: Bench) -> None:
    bench.step()
    bench.call(Arm.Request(arm=True))
    assert bench.call(EmergencyStop.Request(reason="button")).success
    bench.step(5)
    refused = bench.call(Arm.Request(arm=True))
    assert (refused.success, refused.error_code, refused.error_text) == (False, 307, "button")
    bench.until(lambda: bool(bench.states) and bench.states[-1].emergency_stop)
    assert bench.call(Recover.Request()).success
    assert bench.call(Arm.Request(arm=True)).success


def test_a_clock_that_goes_back_disarms_but_keeps_an_emergency_stop(bench: Bench) -> None:
    bench.step(3)
    bench.call(Arm.Request(arm=True))
    bench.step(3)
    bench.now_ns -= 10**9
    bench.step(3)
    assert bench.node._controller.guard.mode == "disarmed"
    bench.call(EmergencyStop.Request())
    bench.now_ns -= 5 * 10**8
    bench.step(3)
    assert bench.node._controller.guard.fault is not None


def test_an_emergency_stop_before_the_first_arming_commands_nothing(bench: Bench) -> None:
    """It once sent the middle of every joint's range: a stop that moved the robot."""
    bench.step(3)
    assert bench.call(EmergencyStop.Request(reason="button")).success
    bench.step(5)
    assert bench.commands == []
