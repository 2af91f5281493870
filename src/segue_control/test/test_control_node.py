"""Laws of the controller node, over real topics and services; the test owns both clocks."""

from collections.abc import Iterator

import numpy as np
import pytest
import rclpy
from control_bench import ROBOTS, Bench
from own_domain import own_domain
from rclpy.context import Context
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import UInt64
from trajectory_msgs.msg import JointTrajectory

from segue_control.guard.safety_guard import GuardMode
from segue_core.contracts.controller import Interface
from segue_core.contracts.files import load_robot
from segue_interfaces.msg import RobotCommand
from segue_interfaces.srv import Arm, EmergencyStop, Recover
from segue_ros import qos

EVERY_ROBOT = pytest.mark.parametrize("bench", sorted(p.stem for p in ROBOTS.glob("*.yaml")), indirect=True)


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
    assert answer.error_code == 306
    assert answer.error_text.startswith("no joint states received yet. What to do: ")


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


def test_who_commands_without_having_the_robot_does_not_get_it_with_the_next_arming(bench: Bench) -> None:
    """Fault 15: the first command after arming owns the robot, so whoever shouted all the time once had it."""
    bench.step()
    guard = bench.node._controller.guard
    bench.command(1, rise=0.05)
    bench.until(lambda: guard.counts["not_armed"] == 1)
    refused = bench.call(Arm.Request(arm=True))
    assert (refused.success, refused.error_code) == (False, 311)
    assert "node /bench commands on segue/command without having the robot" in refused.error_text
    bench.step(100)
    assert bench.call(Arm.Request(arm=True)).success
    bench.command(2)
    bench.until(lambda: bench.age_is(0.0, 1.0))
    assert bench.call(Arm.Request(arm=True)).success, "an owner hands over"
    bench.command(3)
    bench.until(lambda: bench.age_is(0.0, 1.0))
    bench.command(4, run_id="intruder")
    bench.until(lambda: guard.counts["foreign"] == 1)
    refused = bench.call(Arm.Request(arm=True))
    assert refused.error_code == 311, "and nobody shouts while it does"


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
    assert (refused.success, refused.error_code) == (False, 307)
    assert "button" in refused.error_text and "segue/recover" in refused.error_text
    bench.until(lambda: bool(bench.states) and bench.states[-1].emergency_stop)
    assert bench.call(Recover.Request()).success
    assert bench.call(Arm.Request(arm=True)).success


def _in_motion(bench: Bench) -> None:
    """Three ticks of a command that raises the tools."""
    bench.step()
    bench.call(Arm.Request(arm=True))
    for tick in range(1, 4):
        bench.command(tick, rise=0.01 * tick)
        bench.until(lambda: bench.age_is(0.0, 1.0))
        bench.step(4)
    assert np.abs(bench.node._controller.guard.speed).max() > 0.0


def test_a_loop_that_stood_still_while_the_arm_moved_commands_nothing_more_and_is_latched(
    bench: Bench,
) -> None:
    """It once went on at the speed that the stream had had, 0.7 rad/s, with an arm that rested meanwhile."""
    _in_motion(bench)
    guard, sent = bench.node._controller.guard, bench.commanded()
    bench.now_ns += 60 * bench.period_ns
    bench.step(30)
    assert (guard.mode, bench.commanded()) == ("latched", sent)
    refused = bench.call(Arm.Request(arm=True))
    assert (refused.error_code, "segue/recover" in refused.error_text) == (310, True)


def test_a_loop_that_is_stopped_in_the_midst_of_a_cycle_commands_nothing_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 34: two seconds later it once sent a command to brake from the pose and speed of before."""
    _in_motion(bench)
    loop, guard, sent = bench.node._loop, bench.node._controller.guard, bench.commanded()
    cycle = loop.cycle

    def stopped(now_ns: int) -> int:
        late_ns = cycle(now_ns)
        bench.now_ns += 2_000_000_000
        return late_ns

    with monkeypatch.context() as patch:
        patch.setattr(loop, "cycle", stopped)
        bench.step()
    bench.step(5)
    assert (guard.mode, bench.commanded()) == ("latched", sent)
    assert guard.fault is not None and guard.fault.code == 310


def test_a_loop_that_stood_still_while_nothing_moved_only_disarms(bench: Bench) -> None:
    """A hiccup of 155 ms on a standing graph once refused every goal that came after it."""
    bench.step()
    bench.call(Arm.Request(arm=True))
    bench.step(2)
    bench.now_ns += 60 * bench.period_ns
    bench.step()
    guard = bench.node._controller.guard
    bench.until(lambda: guard.mode == "disarmed")
    bench.until(lambda: bool(bench.states) and bench.states[-1].error_code == 310)
    assert bench.call(Arm.Request(arm=True)).success
    assert guard.fault is None


def test_a_world_that_is_put_back_takes_the_permission_to_move_away(bench: Bench) -> None:
    """The arm was once driven from home to the old plan at 4 rad/s."""
    bench.step()
    bench.call(Arm.Request(arm=True))
    bench.command(1, rise=0.05)
    bench.until(lambda: bench.age_is(0.0, 1.0))
    bench.step(4)
    was_reset = bench.peer.create_publisher(UInt64, "/sim/was_reset", qos.STATE)
    bench.until(lambda: was_reset.get_subscription_count() == 1)
    was_reset.publish(UInt64(data=3))
    guard = bench.node._controller.guard
    bench.until(lambda: guard.mode == "disarmed")
    sent = bench.commanded()
    bench.command(2, rise=0.05)
    bench.step(20)
    assert bench.commanded() == sent
    bench.until(lambda: bool(bench.states) and "put back" in bench.states[-1].error_text)


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


def test_an_arm_and_a_gripper_that_publish_their_own_joints_are_one_robot(bench: Bench) -> None:
    arms, grippers = slice(len(bench.home)), slice(len(bench.home), None)
    position = [*bench.home.tolist(), 0.25, 0.75]
    gripper_out = bench.peer.create_publisher(JointState, "joint_states", qos.SENSOR_SOURCE)
    bench.until(lambda: gripper_out.get_subscription_count() == 1)
    guard, reader = bench.node._controller.guard, bench.node._reader

    def tell(*parts: slice) -> None:
        for part in parts:
            heard = reader._merge.heard
            publisher = gripper_out if part is grippers else bench._joints
            publisher.publish(bench.joint_states(position, part))
            bench.until(lambda count=heard: reader._merge.heard > count)
        bench.step(joints=False)

    tell(arms)
    refused = bench.call(Arm.Request(arm=True))
    assert (refused.success, refused.error_code) == (False, 306)
    assert "no message has left_gripper, right_gripper" in refused.error_text
    tell(grippers, arms)
    assert bench.call(Arm.Request(arm=True)).success
    assert bench.node._measured.grippers.tolist() == [0.25, 0.75]
    for cycle in range(24):  # the gripper at a quarter of the arm's rate
        tell(*(arms, grippers)[: 2 - (cycle % 4 > 0)])
    assert guard.mode is GuardMode.ARMED
    for _ in range(24):
        tell(arms)
    assert guard.fault.code == 306 and "left_gripper, right_gripper last told" in guard.fault.text
    refused = bench.call(Arm.Request(arm=True))
    assert "left_gripper, right_gripper last told" in refused.error_text
