"""Laws of the controller in a simulation whose clock waits: nothing is late, and nobody is waited for without end."""

from collections.abc import Iterator

import pytest
import rclpy
from control_bench import ROBOTS, Bench
from own_domain import own_domain
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState

from segue_control.commands import JointCommand
from segue_core.contracts.files import load_robot
from segue_core.errors import ErrorCode
from segue_core.tick_gate import TickGate
from segue_interfaces.srv import Arm
from segue_ros import qos, ticks

_MS = 1_000_000


def test_nobody_is_waited_for_before_the_first_command() -> None:
    gate = TickGate(patience_ns=800 * _MS)
    assert all(gate.is_open(tick, now_ns=tick) for tick in range(100))


def test_the_first_cycle_of_a_tick_waits_for_its_command_and_the_others_do_not() -> None:
    gate = TickGate(patience_ns=800 * _MS)
    gate.arrived(7)
    assert gate.is_open(7, 0) and gate.is_open(7, 5 * _MS)
    assert not gate.is_open(8, 10 * _MS)
    gate.arrived(8)
    assert gate.is_open(8, 20 * _MS) and gate.is_open(8, 30 * _MS)


def test_a_cycle_whose_command_does_not_come_runs_when_patience_is_over_and_the_next_ones_at_once() -> None:
    gate = TickGate(patience_ns=800 * _MS)
    gate.arrived(7)
    assert not gate.is_open(8, 0)
    assert not gate.is_open(8, 799 * _MS)
    assert gate.is_open(8, 800 * _MS)
    assert gate.is_open(8, 801 * _MS) and gate.is_open(9, 802 * _MS)
    assert gate.gave_up == 1


def test_a_gate_that_insists_waits_again_at_the_next_step_until_what_it_waits_for_has_come() -> None:
    gate = TickGate(patience_ns=100, insists=True)
    gate.arrived(4)
    assert [gate.is_open(4, 0), gate.is_open(5, 0), gate.is_open(5, 100)] == [True, False, True]
    assert [gate.is_open(6, 100), gate.is_open(6, 200), gate.is_open(7, 200)] == [False, True, False]
    gate.release()
    assert gate.is_open(7, 200)
    assert gate.gave_up == 2


def test_patience_begins_anew_with_every_wait() -> None:
    gate = TickGate(patience_ns=800 * _MS)
    for tick in range(5):
        gate.arrived(tick)
        assert not gate.is_open(tick + 1, 700 * tick * _MS)


class WaitingBench(Bench):
    """A bench of a controller that waits; joint states are its clock."""

    def __init__(self, robot: object) -> None:
        super().__init__(robot)
        self.answered: list[Clock] = []
        self.world = self.peer.create_subscription(Clock, "sim/answered", self.answered.append, qos.COMMAND)
        self.until(lambda: self.node._answers.get_subscription_count() == 1)
        self.sim_ns = 10**9  # a tick begins
        self.step_ns = 10**9 / robot.control_rate_hz
        self._steps = 0

    def state(self, *, again: bool = False) -> None:
        """The joint states of the next control step, or once more those of the last."""
        self._steps += not again
        self.sim_ns = 10**9 + -int(-self._steps * self.step_ns // 1)
        self.now_ns += 10 * _MS
        before = self.node._measured
        self.joints_of(self.sim_ns)
        self.until(lambda: self.node._measured is not before)

    def joints_of(self, stamp_ns: int) -> None:
        """Joint states at home with any stamp."""
        names = [*self.robot.joint_names, *self.robot.gripper_names]
        position = [*self.home.tolist(), *[1.0] * len(self.robot.arms)]
        message = JointState(name=names, position=position, velocity=[0.0] * len(names))
        message.header.stamp = ticks.stamp(stamp_ns)
        self._joints.publish(message)

    def told(self) -> int:
        """Time of the newest joint command [ns], -1 without."""
        return ticks.nanoseconds(self.commands[-1].header.stamp) if self.commands else -1

    def order(self, tick: int) -> None:
        """The command of a tick of the simulated clock."""
        now_ns, self.now_ns = self.now_ns, ticks.time_of(tick, self.robot.tick_rate_hz)
        self.command(tick)
        self.now_ns = now_ns


@pytest.fixture
def bench() -> Iterator[WaitingBench]:
    file = ROBOTS / "franka.yaml"
    given = [f"robot_file:={file}", "waits:=true", "use_sim_time:=true", "autostart:=false"]
    rclpy.init(
        args=["test", "--ros-args", *(part for pair in given for part in ("-p", pair))],
        domain_id=own_domain(),
    )
    bench = WaitingBench(load_robot(str(file)))
    yield bench
    bench.close()
    rclpy.shutdown()


def test_a_controller_that_commands_nothing_still_answers_every_joint_state(bench: WaitingBench) -> None:
    for _ in range(10):
        bench.state()
        bench.until(
            lambda: bool(bench.answered) and ticks.nanoseconds(bench.answered[-1].clock) == bench.sim_ns
        )
    assert bench.commands == []


def test_nothing_is_armed_before_the_world_hears_that_it_is_to_wait(bench: WaitingBench) -> None:
    """Discovery is slow on a busy machine: an armed controller was late, as time passed without waiting for it."""
    bench.state()
    bench.peer.destroy_subscription(bench.world)
    bench.until(lambda: bench.node._answers.get_subscription_count() == 0)
    refused = bench.call(Arm.Request(arm=True))
    assert refused.error_code == ErrorCode.CONTROL_STATE_STALE and "does not hear" in refused.error_text
    bench.world = bench.peer.create_subscription(Clock, "sim/answered", bench.answered.append, qos.COMMAND)
    bench.until(lambda: bench.node._answers.get_subscription_count() == 1)
    assert bench.call(Arm.Request(arm=True)).success


def test_an_armed_controller_answers_a_joint_state_once_and_a_new_tick_only_after_its_command(
    bench: WaitingBench,
) -> None:
    per_tick = round(bench.robot.control_rate_hz / bench.robot.tick_rate_hz)
    bench.state()
    assert bench.call(Arm.Request(arm=True)).success
    bench.order(30)
    while ticks.tick_of(bench.sim_ns, bench.robot.tick_rate_hz) == 30:
        bench.state()
        if ticks.tick_of(bench.sim_ns, bench.robot.tick_rate_hz) == 30:
            bench.until(lambda: bench.told() == bench.sim_ns)
    before = len(bench.commands)
    for _ in range(20):
        bench.executor.spin_once(timeout_sec=0.01)
    assert bench.told() < bench.sim_ns and len(bench.commands) == before
    bench.order(31)
    bench.until(lambda: bench.told() == bench.sim_ns)
    assert len(bench.commands) == before + 1 <= per_tick + 1


def test_a_dead_commander_is_not_waited_for_without_end_and_the_arm_then_stops(bench: WaitingBench) -> None:
    bench.state()
    assert bench.call(Arm.Request(arm=True)).success
    bench.order(30)
    bench.until(lambda: bench.node._gate._newest == 30)
    while ticks.tick_of(bench.sim_ns, bench.robot.tick_rate_hz) == 30:
        bench.state()
    bench.now_ns += 2500 * _MS
    bench.until(lambda: bench.told() == bench.sim_ns)
    for _ in range(round(1.5 * bench.robot.safety.command_timeout_s * bench.robot.control_rate_hz)):
        bench.state()
    assert "no fresh command" in str(bench.node._controller.guard.fault)


def test_a_controller_that_stood_still_for_longer_than_its_world_waits_commands_nothing_more(
    bench: WaitingBench,
) -> None:
    """Stopped for 8 s while a cycle waited, it once answered the old state and moved an arm that rested."""
    bench.state()
    assert bench.call(Arm.Request(arm=True)).success
    bench.order(30)
    bench.until(lambda: bench.node._gate._newest == 30)
    guard = bench.node._controller.guard
    bench.now_ns += 8000 * _MS
    bench.until(lambda: guard.fault is not None)
    assert guard.fault.code == 310 and "stood still" in guard.fault.text
    assert not guard.streaming


def test_a_controller_that_is_stopped_in_the_middle_of_a_cycle_does_not_send_what_it_had_computed(
    bench: WaitingBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 34: when it went on, that command moved a resting arm, 8 s late."""
    bench.state()
    assert bench.call(Arm.Request(arm=True)).success
    bench.order(30)
    bench.until(lambda: bench.node._gate._newest == 30)
    controller, before, said = bench.node._controller, len(bench.commands), len(bench.answered)
    update = controller.update

    def stopped(dt: float, now_ns: int) -> JointCommand:
        bench.now_ns += 8000 * _MS
        return update(dt, now_ns)

    monkeypatch.setattr(controller, "update", stopped)
    bench.state()
    bench.until(lambda: controller.guard.fault is not None)
    assert controller.guard.fault.code == 310 and "stood still" in controller.guard.fault.text
    bench.until(lambda: len(bench.answered) > said)
    assert bench.commanded() == before


def test_a_paused_world_is_no_silence_of_those_who_command(bench: WaitingBench) -> None:
    bench.state()
    assert bench.call(Arm.Request(arm=True)).success
    bench.order(30)
    bench.until(lambda: bench.age_is(0.0, 60.0))
    for _ in range(5):
        bench.now_ns += 2900 * _MS
        bench.state(again=True)
        bench.node._report()
    assert bench.node._controller.guard.fault is None


def test_a_controller_that_is_not_active_takes_messages_and_is_not_armed(bench: WaitingBench) -> None:
    """A node that begins may hear joints long before it hears the time."""
    bench.node.trigger_deactivate()
    bench.state()
    refused = bench.call(Arm.Request(arm=True))
    assert not refused.success and "the controller node is not active" in refused.error_text
    bench.node.trigger_activate()
    bench.state()
    assert bench.call(Arm.Request(arm=True)).success


def test_joint_states_of_the_past_put_no_world_back_and_recover_nobody(bench: WaitingBench) -> None:
    """One with the stamp 0 once took a latched fault away, and the robot could be armed."""
    clock = bench.peer.create_publisher(Clock, "/clock", qos.COMMAND)
    bench.until(lambda: clock.get_subscription_count() >= 1)
    for _ in range(3):
        bench.state()
    clock.publish(Clock(clock=ticks.stamp(bench.sim_ns)))
    bench.until(lambda: bench.node.get_clock().now().nanoseconds == bench.sim_ns)
    guard = bench.node._controller.guard
    assert bench.call(Arm.Request(arm=True)).success
    bench.joints_of(0)
    bench.until(lambda: guard.fault is not None)
    for _ in range(3):
        bench.state()
    bench.until(lambda: guard.mode == "latched")
    assert guard.fault.code == ErrorCode.CONTROL_STATE_STALE and "of the past" in guard.fault.text
    refused = guard.counts["bad_state"]
    bench.joints_of(0)
    bench.until(lambda: guard.counts["bad_state"] > refused)
    assert not bench.call(Arm.Request(arm=True)).success
    clock.publish(Clock(clock=ticks.stamp(0)))
    bench.until(lambda: bench.node.get_clock().now().nanoseconds == 0)
    bench.joints_of(5)
    bench.until(lambda: bench.node._answered_ns == 5)
    assert guard.mode == "latched", "a new world is no person who recovers it"


def test_a_controller_that_is_deactivated_in_motion_says_so_before_it_falls_silent(
    bench: WaitingBench,
) -> None:
    """A run that heard nothing any more once went on commanding."""
    bench.state()
    assert bench.call(Arm.Request(arm=True)).success
    bench.until(lambda: bool(bench.states and bench.states[-1].armed))
    bench.node.trigger_deactivate()
    bench.until(lambda: not bench.states[-1].armed)
    told = bench.states[-1]
    assert told.error_code == 308 and "the controller node was deactivated" in told.error_text
