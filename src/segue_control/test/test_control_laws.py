"""The formulas of the controllers, against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from every_robot import CASES, Case, Rig, contract
from hypothesis import given
from hypothesis import strategies as st

from segue_control.commands import MeasuredJoints
from segue_control.controllers import kinds
from segue_control.controllers.base import JointStream
from segue_control.controllers.cartesian_impedance import critical_damping
from segue_control.controllers.cartesian_pd_velocity import manipulability, squared_damping
from segue_control.guard.effort_limiter import EffortLimiter
from segue_core.contracts.controller import CONTROLLERS, CartesianPdVelocity, kind_of

PD = [case for case in CASES if case.kind == "cartesian_pd_velocity"]
IMPEDANCE = [case for case in CASES if case.kind == "cartesian_impedance"]


def test_every_kind_of_the_contract_has_a_law_and_every_law_a_kind() -> None:
    assert set(kinds()) == {kind_of(controller) for controller in CONTROLLERS}


def test_damping_begins_at_the_threshold_and_is_whole_at_a_singular_pose() -> None:
    gains = CartesianPdVelocity(manipulability=0.4, damping=0.1)
    assert squared_damping(1.0, gains) == squared_damping(0.4, gains) < 1e-5
    assert squared_damping(0.0, gains) == pytest.approx(0.01, rel=1e-3)
    assert squared_damping(0.2, gains) == pytest.approx(0.0025, rel=1e-3)


def test_manipulability_is_the_product_of_the_singular_values() -> None:
    jacobian = np.random.default_rng(0).normal(size=(6, 7))
    assert manipulability(jacobian) == pytest.approx(np.prod(np.linalg.svd(jacobian)[1]))
    jacobian[5] = jacobian[4]
    assert manipulability(jacobian) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("case", PD, ids=str)
def test_a_pd_tool_approaches_its_target_at_the_proportional_rate(case: Case) -> None:
    """While nothing else speaks e' = -P e: half a percent of the error is gone per update of P h = 0.005."""
    robot = case.robot()
    gains = robot.control.model_copy(update={"linear_d": 0.0, "angular_d": 0.0, "posture_per_s": 0.0})
    rig = Rig(case)
    law, kinematics = rig.controller._law, rig.controller.kinematics
    law._gains = gains
    law._d = np.zeros(6)
    home = kinematics.home
    rig.controller.set_target(rig.home_action(), 0)
    law.desired(JointStream(home, 0 * home), MeasuredJoints(home, 0 * home))
    off = home + 0.01 * np.cos(np.arange(len(home)))
    desired = law.desired(JointStream(off, 0 * off), MeasuredJoints(off, 0 * off))
    before, at_home = kinematics.poses(off).positions, kinematics.poses(home).positions
    after = kinematics.poses(desired).positions
    share = 1.0 - np.linalg.norm(after - at_home, axis=1) / np.linalg.norm(before - at_home, axis=1)
    np.testing.assert_allclose(share, gains.linear_p_per_s * rig.dt, rtol=0.05)


@pytest.mark.parametrize("case", PD, ids=str)
def test_a_tool_that_is_sent_through_a_singular_pose_moves_its_joints_within_their_limits(case: Case) -> None:
    rig = Rig(case)
    action, space = rig.home_action(), rig.robot.action_space
    for tick in range(round(2.0 * rig.robot.tick_rate_hz)):
        for arm in rig.robot.arms:  # straight out, far beyond the stretched arm
            action[space.slice(f"{arm.name}_position")] += np.array([0.04, 0.0, 0.0])
        rig.tick(action, tick)
    speeds = np.array([command.velocities for command in rig.wire])
    limits = rig.controller.guard.limits
    assert (np.abs(speeds) <= limits.velocity * (1 + 1e-9)).all()
    assert (rig.body.q >= limits.low - 0.01).all() and (rig.body.q <= limits.high + 0.01).all()
    assert (
        np.abs(np.diff(speeds[-20:], axis=0)).max() < 0.05
    )  # it does not thrash about at the edge of its reach


@pytest.mark.parametrize("case", IMPEDANCE, ids=str)
def test_a_tool_off_its_place_is_pulled_back_by_the_contracts_spring(case: Case) -> None:
    rig = Rig(case)
    law, kinematics, gains = rig.controller._law, rig.controller.kinematics, rig.robot.control
    law._gains = gains.model_copy(update={"posture_n_m_rad": 0.0})
    home = kinematics.home
    off = home + 0.003 * np.cos(np.arange(len(home)))
    torque = law.effort(JointStream(home, 0 * home), MeasuredJoints(off, 0 * off), False)
    now, then = kinematics.poses(off), kinematics.poses(home)
    for arm, (part, jacobian) in enumerate(zip(kinematics.parts, kinematics.jacobians(off), strict=True)):
        force = np.linalg.lstsq(jacobian.T, torque[part], rcond=None)[0]
        pull = gains.stiffness_n_m * (then.positions[arm] - now.positions[arm])
        np.testing.assert_allclose(force[:3], pull, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("case", IMPEDANCE, ids=str)
def test_the_elbows_spring_does_not_push_the_tool(case: Case) -> None:
    """J M^-1 tau of what only the posture asks for is (almost) no acceleration of the tool."""
    rig = Rig(case)
    law, kinematics = rig.controller._law, rig.controller.kinematics
    home = kinematics.home
    mass, _ = law._dynamics.at(home, 0 * home)
    for part, jacobian in zip(kinematics.parts, kinematics.jacobians(home), strict=True):
        off = np.cos(np.arange(len(home[part])))
        torque = law._of_arm(jacobian, mass[part, part], np.zeros(6), off, 0 * off)
        free = law._gains.posture_n_m_rad * off
        pushed = jacobian @ np.linalg.solve(mass[part, part], torque)
        unprojected = jacobian @ np.linalg.solve(mass[part, part], free)
        assert np.linalg.norm(pushed) < 0.1 * np.linalg.norm(unprojected)


def test_a_force_that_grows_without_end_is_bounded() -> None:
    case = IMPEDANCE[-1]
    rig = Rig(case)
    law, kinematics, gains = rig.controller._law, rig.controller.kinematics, rig.robot.control
    law._gains = gains.model_copy(update={"posture_n_m_rad": 0.0})
    home = kinematics.home
    far = home + 0.4
    torque = law.effort(JointStream(home, 0 * home), MeasuredJoints(far, 0 * far), False)
    force = np.linalg.lstsq(kinematics.jacobians(far)[0].T, torque[kinematics.parts[0]], rcond=None)[0]
    assert np.linalg.norm(force[:3]) <= gains.max_force_n * (1 + 1e-6)
    assert np.linalg.norm(force[3:]) <= gains.max_torque_n_m * (1 + 1e-6)


@given(st.integers(0, 10_000))
def test_every_mode_is_damped_critically(seed: int) -> None:
    """Motions x'' = -Lambda^-1 (K x + D x') have double real roots only: s^2 + 2 w s + w^2 in every mode."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(6, 6)) + 3.0 * np.eye(6)
    felt, stiffness = root @ root.T, rng.uniform(10.0, 1000.0, 6)
    damping = critical_damping(felt, stiffness)
    rates = np.linalg.eigvals(np.linalg.solve(felt, damping)).real
    squares = np.linalg.eigvals(np.linalg.solve(felt, np.diag(stiffness))).real
    np.testing.assert_allclose(np.sort(rates), np.sort(2.0 * np.sqrt(squares)), rtol=1e-6)


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=1, max_size=30))
def test_torques_stay_inside_their_bounds_and_never_jump(wanted: list[list[float]]) -> None:
    limiter = EffortLimiter(np.array([87.0, 40.0, 12.0]), 1000.0, 0.001)
    before = np.zeros(3)
    for desired in wanted:
        now = limiter.follow(np.array(desired))
        assert (np.abs(now) <= limiter.largest).all() and (np.abs(now - before) <= 1.0 + 1e-12).all()
        assert len(limiter.reasons(("a", "b", "c"))) == int((now != np.array(desired)).sum())
        before = now


def test_quintic_streaming_is_a_choice_of_the_contract() -> None:
    """One tick behind instead of two: what a policy at 10 Hz may prefer."""
    lag = {}
    for streaming in ("b_spline", "quintic"):
        base = next(case for case in CASES if case.kind == "joint_position")
        rig = Rig(base)
        source = rig.controller._law.source
        control = rig.robot.control.model_copy(update={"streaming": streaming})
        setting = replace(source._setting, robot=rig.robot.model_copy(update={"controller": control}))
        twin = type(source)(setting, rig.robot.action_space, boxed=False)
        twin.begin(rig.controller.kinematics.home)
        rows = [rig.moved(0.05 * tick) for tick in range(12)]
        for tick, row in enumerate(rows):
            twin.admit(row, tick)
            for _ in range(rig.per_tick):
                reached = twin.advance()
        wanted = twin._check.codec.joints(rows[-1])
        step = np.abs(twin._check.codec.joints(rows[-1] - rows[-2])).max()
        lag[streaming] = np.abs(wanted - reached).max() / step
    assert lag["b_spline"] == pytest.approx(1.0, abs=0.01)
    assert lag["quintic"] == pytest.approx(0.0, abs=0.01)


def test_every_shipped_robot_says_or_has_a_controller() -> None:
    assert {contract(case.name).control.kind for case in CASES} <= set(kinds())
