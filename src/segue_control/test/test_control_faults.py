"""Faults 5, 6, 8, 13, 16, 18 and 19 of commands and joint states, on every robot as it is shipped.

The other kinds of controllers stand behind the same guard: test_control_every_robot.py holds them to the same wire.
"""

import numpy as np
import pytest
from every_robot import CASES, SHIPPED, Case, Rig

from segue_control.guard.safety_guard import GuardMode
from segue_control.loop import LoopWatch
from segue_core.errors import ControlError, ErrorCode

KINDS = [case for case in CASES if case.name == "franka" and case not in SHIPPED]
EACH = pytest.mark.parametrize("case", [*SHIPPED, *KINDS], ids=str)


def _at_rest(rig: Rig) -> bool:
    return bool(np.abs(rig.body.v).max() < 0.01)


def _largest_step(rig: Rig) -> float:
    """Largest change of the joint stream in one update, as a share of what the speed limit allows."""
    path = np.array([command.q for command in rig.wire])
    return float((np.abs(np.diff(path, axis=0)) / (rig.controller.guard.limits.velocity * rig.dt)).max())


@EACH
@pytest.mark.parametrize("beyond", [1e-6, 1e-3, 1.0, 1e6])
def test_5_an_action_out_of_limits_is_moved_or_refused_and_counted(case: Case, beyond: float) -> None:
    rig = Rig(case)
    tick = rig.move(4)
    bounds = rig.robot.action_space.high + beyond
    for later in range(4):
        rig.tick(bounds, tick + later)
    limits = rig.controller.guard.limits
    assert sum(rig.controller.guard.counts.values()) > 0
    assert all((command.q >= limits.low).all() and (command.q <= limits.high).all() for command in rig.wire)
    assert _largest_step(rig) <= 1 + 1e-6 or rig.controller.closed_loop


@EACH
def test_5_a_teleport_is_approached_at_the_robots_own_speed(case: Case) -> None:
    rig = Rig(case)
    tick = rig.move(4)
    far = rig.moved(-1.0) - 5.0 * (rig.moved(1.0) - rig.moved(-1.0))
    rig.tick(far, tick)
    assert any(name.startswith(("step", "turn", "workspace")) for name in rig.controller.guard.counts)
    assert _largest_step(rig) <= 1 + 1e-6 or rig.controller.closed_loop


@EACH
@pytest.mark.parametrize("width", [0, 1, -1, +1])
def test_6_an_action_of_another_width_is_refused_with_both_widths(case: Case, width: int) -> None:
    rig = Rig(case)
    dim = rig.robot.action_space.dim
    size = dim + width if abs(width) == 1 and width != 1 else (0 if width == 0 else dim + 1)
    with pytest.raises(ControlError, match=rf"\({size},\).*\({dim},\)") as refusal:
        rig.controller.set_target(np.zeros(size), 0)
    assert refusal.value.code is ErrorCode.CONTROL_WRONG_SHAPE
    rig.run(8)
    np.testing.assert_allclose(rig.body.q, rig.controller.kinematics.home, atol=1e-9)


@EACH
def test_8_actions_that_come_twice_or_late_change_nothing(case: Case) -> None:
    clean, noisy = Rig(case), Rig(case)
    for tick in range(8):
        for rig in (clean, noisy):
            rig.controller.set_target(rig.moved(tick / 8), tick)
        for repeated in (tick, tick - 1):
            with pytest.raises(ControlError, match="tick"):
                noisy.controller.set_target(noisy.moved(-1.0), repeated)
        clean.run(clean.per_tick)
        noisy.run(noisy.per_tick)
    np.testing.assert_array_equal(clean.body.q, noisy.body.q)
    assert noisy.controller.guard.counts["old_tick"] == 16


@EACH
def test_13_joint_states_that_stop_stop_the_robot_within_the_allowed_age_and_100_ms(case: Case) -> None:
    rig = Rig(case)
    rig.move(6)
    guard, now = rig.controller.guard, 0
    rig.controller.observe(rig.body.q, now_ns=now, v=rig.body.v)
    stopped_after = None
    for update in range(round((rig.robot.safety.state_timeout_s + 0.6) / rig.dt)):
        now += round(rig.dt * 1e9)
        command = rig.controller.update(rig.dt, now_ns=now)
        rig.body.follow(command)
        if stopped_after is None and guard.mode is not GuardMode.ARMED:
            stopped_after = (update + 1) * rig.dt
    assert guard.fault is not None
    assert guard.fault.code in (ErrorCode.CONTROL_STATE_STALE, ErrorCode.CONTROL_COMMAND_STALE)
    assert stopped_after is not None and stopped_after <= rig.robot.safety.state_timeout_s + 0.1


@EACH
def test_13_joints_that_are_measured_bit_for_bit_where_they_were_while_told_to_move_stop_the_robot(
    case: Case,
) -> None:
    rig = Rig(case)
    frozen, last, now = rig.body.q.copy(), rig.body.v.copy(), 0
    guard = rig.controller.guard
    for tick in range(300):
        if guard.mode is not GuardMode.ARMED:
            break
        rig.controller.set_target(rig.moved(min(1.0, tick / 20)), tick, now_ns=now)
        for _ in range(rig.per_tick):
            now += round(rig.dt * 1e9)
            rig.controller.observe(frozen, now_ns=now, v=last)
            rig.body.follow(rig.controller.update(rig.dt, now_ns=now))
    assert guard.fault is not None and guard.fault.code is ErrorCode.CONTROL_STATE_STALE
    assert "is frozen: exactly" in guard.fault.text and guard.fault.next_step
    assert float(np.abs(rig.body.q - frozen).max()) < 0.35


@EACH
def test_13_joints_at_rest_and_joints_that_jitter_less_than_they_stick_are_not_frozen(case: Case) -> None:
    rig = Rig(case)
    frozen, still, guard = rig.body.q.copy(), np.zeros_like(rig.body.v), rig.controller.guard
    for tick in range(60):
        rig.controller.set_target(rig.moved(0.02 * (-1.0) ** tick), tick)
        for _ in range(rig.per_tick):
            rig.controller.observe(frozen, v=still)
            rig.controller.update(rig.dt)
    assert guard.mode is GuardMode.ARMED and guard.fault is None


@EACH
@pytest.mark.parametrize("spoil", ["nan", "missing", "empty"])
def test_13_joint_states_that_are_not_states_stop_the_robot_at_once(case: Case, spoil: str) -> None:
    rig = Rig(case)
    rig.move(6)
    good = rig.body.q
    bad = {"nan": np.where(np.arange(len(good)) == 1, np.nan, good), "missing": good[:-1], "empty": good[:0]}[
        spoil
    ]
    rig.controller.observe(bad, v=np.zeros_like(bad))
    guard = rig.controller.guard
    assert guard.mode is GuardMode.STOPPING
    assert guard.fault is not None and guard.fault.code is ErrorCode.CONTROL_STATE_STALE
    rig.run(round(0.5 / rig.dt))
    assert _at_rest(rig) and guard.mode is GuardMode.LATCHED


@EACH
def test_16_commands_that_stop_coming_stop_the_robot_and_it_stays_disarmed(case: Case) -> None:
    rig = Rig(case)
    tick = rig.move(6)
    rig.run(round((rig.robot.safety.command_timeout_s + 0.5) / rig.dt) + 1)
    guard = rig.controller.guard
    assert guard.fault is not None and guard.fault.code is ErrorCode.CONTROL_COMMAND_STALE
    rested = guard.mode is GuardMode.DISARMED  # before the time-out: a quick arm
    assert _at_rest(rig) and (rested or guard.mode is GuardMode.LATCHED)
    with pytest.raises(ControlError):  # a new scheduler's first command
        rig.controller.set_target(rig.moved(0.5), tick + 1)


@EACH
@pytest.mark.parametrize("late_ms", [5, 50, 500])
def test_18_a_loop_that_was_late_makes_nothing_up(case: Case, late_ms: int) -> None:
    """The node counts with `LoopWatch` and stops beyond 100 ms; the stream itself never catches up in a burst."""
    rig = Rig(case)
    period = round(1e9 * rig.dt)
    watch = LoopWatch(period)
    watch.cycle(0)
    missed = round(late_ms * 1e6 / period)
    late = watch.cycle((missed + 1) * period)
    assert (watch.overruns, late) == (missed, missed * period)
    tick = rig.move(6)
    before = len(rig.wire)
    rig.tick(rig.moved(1.0), tick + round(late_ms * 1e-3 * rig.robot.tick_rate_hz))
    rig.run(10)
    steps = np.abs(np.diff(np.array([command.q for command in rig.wire[before - 1 :]]), axis=0))
    assert (steps <= rig.controller.guard.limits.velocity * rig.dt * (1 + 1e-6) + 1e-3).all()


@EACH
def test_19_an_emergency_stop_is_left_only_by_recovering_and_arming_at_the_measured_pose(case: Case) -> None:
    rig = Rig(case)
    tick = rig.move(8)
    rig.controller.guard.emergency_stop("button")
    rig.run(round(0.5 / rig.dt))
    assert _at_rest(rig)
    with pytest.raises(ControlError, match="button"):
        rig.controller.arm(np.ones(len(rig.robot.arms)))
    rig.controller.guard.recover()
    with pytest.raises(ControlError):
        rig.controller.set_target(rig.moved(-1.0), tick + 40)
    limits = rig.controller.guard.limits
    inward = np.sign(0.5 * (limits.low + limits.high) - rig.body.q)
    rig.body.q = rig.body.q + 0.2 * inward  # somebody moved the arm by hand
    rig.body.v = np.zeros_like(rig.body.q)
    rig.controller.observe(rig.body.q, v=rig.body.v)
    rig.controller.arm(np.ones(len(rig.robot.arms)))
    by_hand = rig.body.q
    rig.run(20)
    np.testing.assert_allclose(rig.body.q, by_hand, atol=1e-6)
