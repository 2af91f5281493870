"""Laws of the safety guard, through the controller that it always sits in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_control.controller import RobotController
from segue_control.guard.safety_guard import GuardMode
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ControlError, ErrorCode

DT = 1 / 120
MS = 1_000_000
number = st.one_of(
    st.floats(-2.0, 2.0), st.sampled_from([float("nan"), float("inf"), float("-inf"), 1e6, -1e6, 1e300, 0.0])
)
command = st.lists(number, min_size=14, max_size=14)


def _home_action(controller: RobotController) -> np.ndarray:
    return controller.kinematics.forward(controller.kinematics.home, np.ones(2))


def _offer(controller: RobotController, action: np.ndarray, tick: int) -> None:
    try:
        controller.set_target(action, tick)
    except ControlError as error:
        assert str(error)


def _updates(controller: RobotController, count: int) -> list[np.ndarray]:
    return [controller.update(DT).q for _ in range(count)]


def _assert_wire_is_safe(controller: RobotController, wire: list[np.ndarray]) -> None:
    path, limits = np.array(wire), controller.guard.limits
    assert np.isfinite(path).all()
    assert (path >= limits.low).all() and (path <= limits.high).all()
    for order, bound in enumerate((limits.velocity, limits.acceleration, limits.jerk), start=1):
        assert (np.abs(np.diff(path, n=order, axis=0)) <= bound * DT**order * (1 + 1e-6)).all()


def _moving(controller: RobotController, ticks: int = 12) -> int:
    """Sets the arms in motion; returns the next tick."""
    action = _home_action(controller)
    for tick in range(ticks):
        action[2] -= 0.01
        controller.set_target(action, tick)
        _updates(controller, 4)
    return ticks


@given(st.lists(st.tuples(command, st.integers(0, 40)), min_size=1, max_size=15))
def test_no_command_makes_the_wire_unsafe(robot: RobotConfig, commands: list) -> None:
    controller = RobotController(robot)
    controller.reset(controller.kinematics.home)
    wire = [controller.guard.position] * 3
    for action, tick in commands:
        _offer(controller, np.array(action), tick)
        wire += _updates(controller, 6)
    _assert_wire_is_safe(controller, wire)


@given(st.lists(st.tuples(command, st.sampled_from(["go", "stop", "arm", "disarm", "state"])), max_size=25))
def test_no_order_of_events_makes_the_wire_unsafe(robot: RobotConfig, events: list) -> None:
    controller = RobotController(robot)
    controller.reset(controller.kinematics.home)
    guard = controller.guard
    wire = [guard.position] * 3
    for tick, (action, event) in enumerate(events):
        values = np.array(action)
        if event == "go":
            _offer(controller, values, tick)
        elif event == "stop":
            guard.emergency_stop("")
        elif event == "disarm":
            guard.disarm()
        elif event == "state":
            guard.bad_state("a joint is missing")
        else:
            try:
                guard.recover()
                controller.observe(guard.position)
                controller.arm(np.ones(2))
            except ControlError as error:
                assert str(error)
        wire += _updates(controller, 5)
    _assert_wire_is_safe(controller, wire)


def test_an_emergency_stop_rests_within_half_a_second_and_latches(controller: RobotController) -> None:
    tick = _moving(controller)
    controller.guard.emergency_stop("button")
    wire = _updates(controller, 60)
    assert np.abs(wire[-1] - wire[-2]).max() < 0.01 * DT
    assert controller.guard.mode is GuardMode.LATCHED
    with pytest.raises(ControlError, match="button"):
        controller.set_target(_home_action(controller), tick + 20)
    np.testing.assert_array_equal(_updates(controller, 30)[-1], wire[-1])


def test_nothing_moves_after_release_until_armed_again(controller: RobotController) -> None:
    tick = _moving(controller)
    controller.guard.emergency_stop("")
    held = _updates(controller, 80)[-1]
    controller.guard.recover()
    _offer(controller, _home_action(controller), tick + 1)
    np.testing.assert_array_equal(_updates(controller, 40)[-1], held)
    assert controller.guard.counts["not_armed"] == 1


def test_arming_begins_at_the_measured_pose_not_at_the_old_target(controller: RobotController) -> None:
    _moving(controller)
    controller.guard.emergency_stop("")
    _updates(controller, 80)
    controller.guard.recover()
    moved_by_hand = controller.guard.position + 0.3
    controller.observe(moved_by_hand)
    controller.arm(np.ones(2))
    for q in _updates(controller, 60):
        np.testing.assert_array_equal(q, moved_by_hand)


def test_a_disarmed_robot_that_is_stopped_is_latched_and_commanded_nothing_wherever_hands_have_put_it(
    controller: RobotController,
) -> None:
    """Else its stop would begin at the old target."""
    _moving(controller)
    controller.guard.disarm()
    _updates(controller, 80)
    assert controller.guard.mode is GuardMode.DISARMED
    moved_by_hand = controller.guard.position + 0.3
    controller.observe(moved_by_hand)
    controller.guard.emergency_stop("button")
    assert controller.guard.mode is GuardMode.LATCHED and not controller.guard.streaming
    controller.guard.recover()
    controller.arm(np.ones(2))
    np.testing.assert_array_equal(_updates(controller, 10)[-1], moved_by_hand)


def test_arming_while_latched_or_without_a_pose_is_refused(robot: RobotConfig) -> None:
    controller = RobotController(robot)
    with pytest.raises(ControlError, match="no joint states") as refusal:
        controller.arm(np.ones(2))
    assert refusal.value.code is ErrorCode.CONTROL_STATE_STALE
    controller.observe(controller.kinematics.home)
    controller.guard.emergency_stop("")
    with pytest.raises(ControlError, match="emergency stop"):
        controller.arm(np.ones(2))


def test_arming_from_outside_the_limits_names_the_joint(robot: RobotConfig) -> None:
    controller = RobotController(robot)
    q = controller.kinematics.home.copy()
    q[3] = 0.5
    with pytest.raises(ControlError, match="left_joint4"):
        controller.reset(q)


def test_commands_that_stop_coming_stop_the_robot(controller: RobotController, robot: RobotConfig) -> None:
    _moving(controller)
    modes = []
    for _ in range(60):
        controller.update(DT)
        modes.append(controller.guard.mode)
    assert controller.guard.fault is not None
    assert controller.guard.fault.code is ErrorCode.CONTROL_COMMAND_STALE
    assert modes.count(GuardMode.ARMED) * DT <= robot.safety.command_timeout_s


def test_refused_commands_do_not_feed_the_watchdog(controller: RobotController) -> None:
    tick = _moving(controller)
    for step in range(15):
        _offer(controller, np.full(14, np.nan), tick + step)
        _updates(controller, 4)
    assert controller.guard.counts["not_finite"] > 0
    assert controller.guard.fault is not None


def test_a_robot_told_to_hold_is_not_stopped(controller: RobotController) -> None:
    tick = _moving(controller)
    for step in range(30):
        controller.hold(tick + step)
        _updates(controller, 4)
    assert controller.guard.mode is GuardMode.ARMED


def test_joint_states_that_stop_coming_stop_the_robot(
    controller: RobotController, robot: RobotConfig
) -> None:
    controller.observe(controller.kinematics.home, now_ns=0)
    allowed = int(robot.safety.state_timeout_s / DT + 1e-6)
    for update in range(allowed):
        controller.update(DT, now_ns=round(update * DT * 1e9))
    assert controller.guard.mode is GuardMode.ARMED
    controller.update(DT, now_ns=round(allowed * DT * 1e9))
    assert controller.guard.fault is not None
    assert controller.guard.fault.code is ErrorCode.CONTROL_STATE_STALE


@pytest.mark.parametrize("first", [ErrorCode.CONTROL_STATE_STALE, ErrorCode.CONTROL_COMMAND_STALE])
def test_who_fell_silent_first_is_named(controller: RobotController, first: ErrorCode) -> None:
    """Without joint states a simulated world stands, and with it whoever commands by its clock, a tick apart."""
    guard, states_first = controller.guard, first is ErrorCode.CONTROL_STATE_STALE
    guard.observe(controller.kinematics.home, 33 * MS if states_first else 900 * MS)
    guard._commands.feed(0)
    guard.watch(2000 * MS)
    assert guard.fault is not None and guard.fault.code is first


@pytest.mark.parametrize(
    ("joints_wait", "blamed"),
    [(True, ErrorCode.CONTROL_COMMAND_STALE), (False, ErrorCode.CONTROL_STATE_STALE)],
)
@pytest.mark.parametrize("states_first", [True, False])
def test_in_a_world_that_waits_who_is_waited_for_is_named_however_late_messages_are_read(
    controller: RobotController, joints_wait: bool, blamed: ErrorCode, states_first: bool
) -> None:
    guard = controller.guard
    guard.observe(controller.kinematics.home, 0 if states_first else 900 * MS)
    guard._commands.feed(900 * MS if states_first else 0)
    guard.watch(3000 * MS, joints_wait=joints_wait)
    assert guard.fault is not None and guard.fault.code is blamed


def test_in_a_world_that_waits_commands_that_ceased_a_little_before_the_joint_states_are_not_blamed(
    controller: RobotController,
) -> None:
    """A busy machine had read the last command half a second before the last joint states."""
    guard = controller.guard
    guard._commands.feed(0)
    guard.observe(controller.kinematics.home, 500 * MS)
    guard.watch(1200 * MS, joints_wait=False)
    assert guard.fault is not None and guard.fault.code is ErrorCode.CONTROL_STATE_STALE


def test_in_a_world_that_waits_the_only_silent_one_is_named(controller: RobotController) -> None:
    guard = controller.guard
    guard.observe(controller.kinematics.home, 3000 * MS)
    guard._commands.feed(0)
    guard.watch(3000 * MS, joints_wait=False)
    assert guard.fault is not None and guard.fault.code is ErrorCode.CONTROL_COMMAND_STALE


@pytest.mark.parametrize(("moves", "mode"), [(True, GuardMode.LATCHED), (False, GuardMode.DISARMED)])
def test_a_late_loop_latches_an_arm_that_moves_also_when_somebody_had_just_disarmed_it(
    controller: RobotController, moves: bool, mode: GuardMode
) -> None:
    """Who ended the task while the loop stood still was heard first, and the arm was cut off without a word."""
    if moves:
        _moving(controller)
    controller.guard.disarm()
    late = ControlError(ErrorCode.CONTROL_OVERRUN, "control loop was late")
    controller.guard.fall_silent(late, latch=True)
    assert controller.guard.mode is mode and not controller.guard.streaming
    assert controller.guard.fault is (late if moves else None)


def test_a_machine_that_stood_still_is_no_silence_but_a_second_of_it_is(
    controller: RobotController,
) -> None:
    controller.observe(controller.kinematics.home, now_ns=0)
    controller.update(DT, now_ns=900 * MS)
    assert controller.guard.mode is GuardMode.ARMED
    controller.update(DT, now_ns=1100 * MS)
    assert controller.guard.mode is not GuardMode.ARMED


def test_a_joint_state_that_is_not_finite_stops_the_robot_at_once(controller: RobotController) -> None:
    controller.observe(np.full(14, np.nan))
    assert controller.guard.mode is GuardMode.STOPPING


def test_a_tick_that_was_seen_moves_nothing(controller: RobotController) -> None:
    tick = _moving(controller)
    with pytest.raises(ControlError, match="tick"):
        controller.set_target(_home_action(controller), tick - 1)
    assert controller.guard.counts["old_tick"] == 1


def test_targets_outside_the_workspace_are_moved_to_its_wall(
    controller: RobotController, robot: RobotConfig
) -> None:
    action = _home_action(controller)
    for tick in range(40):
        action[2] = -1.0
        controller.set_target(action, tick)
        _updates(controller, 4)
    tool = controller.kinematics.poses(controller.guard.position).positions[0]
    assert tool[2] == pytest.approx(robot.workspace.low[2], abs=1e-3)
    assert controller.guard.counts["workspace:left"] == 40


def test_a_target_far_away_is_approached_one_step_per_tick(controller: RobotController) -> None:
    action = _home_action(controller)
    action[1] -= 0.2
    action[5] += 1.0
    controller.set_target(action, 0)
    assert controller.guard.counts["step:left"] == 1
    assert controller.guard.counts["turn:left"] == 1


def test_equal_inputs_give_equal_commands(robot: RobotConfig) -> None:
    def once() -> np.ndarray:
        controller = RobotController(robot)
        controller.reset(controller.kinematics.home)
        rng, action, wire = np.random.default_rng(1), _home_action(controller), []
        for tick in range(20):
            action += rng.normal(0, 0.02, 14)
            controller.set_target(action, tick)
            wire += _updates(controller, 4)
        return np.array(wire)

    np.testing.assert_array_equal(once(), once())


def test_a_gripper_goes_to_the_newest_opening_at_its_own_speed(
    controller: RobotController, robot: RobotConfig
) -> None:
    action = _home_action(controller)
    action[6] = 0.0
    controller.set_target(action, 0)
    openings = np.array([controller.update(DT).grippers[0] for _ in range(16)])
    step = robot.arms[0].gripper.speed_per_s * DT
    np.testing.assert_allclose(-np.diff(openings), step, atol=1e-12)


def test_an_update_of_another_length_is_refused(controller: RobotController) -> None:
    with pytest.raises(ControlError, match="update"):
        controller.update(0.1)


def test_a_held_command_near_the_measured_pose_is_led_there_without_a_step(robot: RobotConfig) -> None:
    controller = RobotController(robot)
    home = controller.kinematics.home
    controller.reset(home)
    controller.guard.disarm()
    wire = _updates(controller, 3)
    controller.observe(home + 0.03)
    controller.arm(np.ones(2))
    wire += _updates(controller, 60)
    _assert_wire_is_safe(controller, wire)
    np.testing.assert_allclose(wire[-1], home + 0.03, atol=1e-6)


def test_a_robot_that_changes_hands_in_motion_makes_no_step(robot: RobotConfig) -> None:
    """Joints in motion are behind their commands: a takeover once set the stream back to them in one step."""
    controller = RobotController(robot)
    controller.reset(controller.kinematics.home)
    wire = _updates(controller, 3)
    controller.observe(controller.guard.position - 0.1)
    controller.arm(np.ones(2))
    wire += _updates(controller, 60)
    _assert_wire_is_safe(controller, wire)


def test_a_robot_that_changes_hands_keeps_its_grip(controller: RobotController) -> None:
    """A takeover once commanded the measured opening, which is the object's: the fingers let go of it."""
    action = controller.kinematics.forward(controller.kinematics.home, np.array([0.0, 1.0]))
    for tick in range(30):
        controller.set_target(action, tick)
        for _ in range(4):
            controller.update(DT)
    controller.arm(np.array([0.25, 1.0]))
    assert controller.update(DT).grippers[0] == 0.0
    controller.guard.restart()
    controller.observe(controller.kinematics.home)
    controller.arm(np.array([0.25, 1.0]))
    assert controller.update(DT).grippers[0] == 0.25, "who arms a robot at rest begins where it is"
