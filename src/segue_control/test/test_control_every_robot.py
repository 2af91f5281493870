"""What holds for every robot and every kind of controller: a new contract in config/robots is tested by being there."""

import numpy as np
import pytest
from every_robot import CASES, Case, Rig
from hypothesis import given, settings
from hypothesis import strategies as st

from segue_control.guard.safety_guard import GuardMode
from segue_core.contracts.controller import Interface
from segue_core.errors import ControlError, ErrorCode

EACH = pytest.mark.parametrize("case", CASES, ids=str)
number = st.one_of(
    st.floats(-2.0, 2.0), st.sampled_from([float("nan"), float("inf"), float("-inf"), 1e6, -1e6, 1e300, 0.0])
)
event = st.sampled_from(["go", "go", "go", "near", "stop", "arm", "disarm", "state", "hold"])


def _offer(rig: Rig, action: np.ndarray, tick: int) -> None:
    try:
        rig.controller.set_target(action, tick)
    except ControlError as error:
        assert str(error)


def _assert_wire_is_safe(rig: Rig) -> None:
    limits, dt = rig.controller.guard.limits, rig.dt
    told = rig.robot.control.interface
    path = np.array([command.q for command in rig.wire])
    assert np.isfinite(path).all()
    assert (path >= limits.low).all() and (path <= limits.high).all()
    if told is Interface.EFFORT:
        _assert_torques_are_safe(rig)
        return
    if told is Interface.VELOCITY:
        speeds = np.array([np.zeros_like(path[0]), *[command.velocities for command in rig.wire]])
        assert (np.abs(speeds[1:]) <= limits.velocity * (1 + 1e-9)).all()
        orders = ((speeds, 1, limits.acceleration), (speeds, 2, limits.jerk))
    else:
        start = rig.controller.kinematics.home
        stream = np.array([start, start, start, *path])
        orders = tuple(
            (stream, n, bound)
            for n, bound in enumerate((limits.velocity, limits.acceleration, limits.jerk), start=1)
        )
    for values, order, bound in orders:
        assert (np.abs(np.diff(values, n=order, axis=0)) <= bound * dt**order * (1 + 1e-6) + 1e-12).all()


def _assert_torques_are_safe(rig: Rig) -> None:
    torques = np.array([np.zeros_like(rig.wire[0].q), *[command.efforts for command in rig.wire]])
    largest = np.concatenate([arm.torque_n_m for arm in rig.robot.arms])
    assert np.isfinite(torques).all()
    assert (np.abs(torques) <= largest + 1e-9).all()
    assert (np.abs(np.diff(torques, axis=0)) <= 1000.0 * rig.dt + 1e-9).all()


@EACH
@settings(max_examples=4)
@given(data=st.data())
def test_no_command_and_no_order_of_events_makes_the_wire_unsafe(case: Case, data: st.DataObject) -> None:
    rig = Rig(case)
    guard, width = rig.controller.guard, rig.robot.action_space.dim
    for tick in range(10):
        what = data.draw(event)
        if what == "go":
            _offer(rig, np.array(data.draw(st.lists(number, min_size=width, max_size=width))), tick)
        elif what == "near":
            _offer(rig, rig.moved(data.draw(st.floats(-1.0, 1.0))), data.draw(st.integers(0, 40)))
        elif what == "stop":
            guard.emergency_stop("")
        elif what == "disarm":
            guard.disarm()
        elif what == "state":
            rig.controller.observe(np.full_like(rig.body.q, np.nan), v=rig.body.v)
        elif what == "hold" and guard.mode is GuardMode.ARMED:
            rig.controller.hold(1000 + tick)
        elif what == "arm":
            _arm_again(rig)
        rig.run(4)
    _assert_wire_is_safe(rig)


def _arm_again(rig: Rig) -> None:
    try:
        rig.controller.guard.recover()
        rig.controller.observe(rig.body.q, v=rig.body.v)
        rig.controller.arm(np.ones(len(rig.robot.arms)))
    except ControlError as error:
        assert str(error)


@EACH
def test_a_target_is_reached_and_kept_without_an_intervention(case: Case) -> None:
    rig = Rig(case)
    tick = rig.move()
    for later in range(round(1.2 * rig.robot.tick_rate_hz)):
        rig.tick(rig.moved(1.0), tick + later)
    reached = rig.controller.kinematics.forward(rig.body.q, np.ones(len(rig.robot.arms)))
    margin = (
        2e-3 if not rig.missed else 1.5 * rig.robot.limits.position_margin_rad
    )  # kept by the controller alone
    np.testing.assert_allclose(reached, rig.reachable(rig.moved(1.0)), atol=margin)
    assert np.abs(rig.body.v).max() < 0.02
    assert set(rig.controller.guard.counts) <= set(rig.missed)


@EACH
def test_nothing_moves_before_the_first_target(case: Case) -> None:
    rig = Rig(case)
    rig.run(20)
    np.testing.assert_allclose(rig.body.q, rig.controller.kinematics.home, atol=1e-9)


@EACH
def test_a_stopped_controller_leaves_its_bodies_at_rest_and_latches(case: Case) -> None:
    """Fault 19: an emergency stop, its release, and nothing that moves before arming again."""
    rig = Rig(case)
    tick = rig.move(8)
    rig.controller.guard.emergency_stop("button")
    rig.run(round(0.5 / rig.dt))
    assert np.abs(rig.body.v).max() < 0.01
    assert rig.controller.guard.mode is GuardMode.LATCHED
    held = rig.body.q
    rig.controller.guard.recover()
    _offer(rig, rig.moved(-1.0), tick + 50)
    rig.run(20)
    assert rig.controller.guard.counts["not_armed"] == 1
    np.testing.assert_allclose(rig.body.q, held, atol=2e-3)
    _assert_wire_is_safe(rig)


@EACH
def test_the_first_bad_torque_speed_or_position_never_leaves(case: Case) -> None:
    """Fault 18's cause, as far as this code can have it: a law that computes nonsense stops the robot."""
    rig = Rig(case)
    rig.move(6)
    law = rig.controller._law
    law.desired = lambda stream, measured: np.full_like(stream.q, np.nan)  # type: ignore[method-assign]
    rig.run(round(0.5 / rig.dt))
    fault = rig.controller.guard.fault
    assert fault is not None and fault.code is ErrorCode.CONTROL_NOT_FINITE
    assert np.abs(rig.body.v).max() < 0.01
    _assert_wire_is_safe(rig)


@pytest.mark.parametrize("case", [c for c in CASES if c.controller().closed_loop], ids=str)
def test_a_joint_that_runs_away_stops_a_robot_whose_loop_is_closed_here(case: Case) -> None:
    """One that is told torques is told no more until it is armed again: it brakes by itself."""
    rig = Rig(case)
    rig.move(4)
    runaway = np.zeros_like(rig.body.q)
    runaway[2] = 10.0
    rig.controller.observe(rig.body.q, v=runaway)
    fault = rig.controller.guard.fault
    assert fault is not None and f"joint {rig.robot.joint_names[2]} runs away" in fault.text
    assert rig.controller.ran_away is (rig.robot.control.interface is Interface.EFFORT)


@pytest.mark.parametrize("case", [c for c in CASES if "velocity" in c.kind][:2], ids=str)
def test_a_closed_loop_without_a_measurement_is_refused(case: Case) -> None:
    rig = Rig(case)
    rig.run(1)
    with pytest.raises(ControlError, match=f"{case.kind}.*needs the joints before every update"):
        rig.controller.update(rig.dt)
