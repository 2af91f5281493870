"""Laws of the kinematics."""

import mink
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_control.robot.kinematics import Kinematics
from segue_control.robot.model import robot_spec
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ControlError

OPEN = np.ones(2)


def _near_home(kinematics: Kinematics, seed: int, spread: float) -> np.ndarray:
    offset = np.random.default_rng(seed).uniform(-spread, spread, len(kinematics.home))
    return np.clip(kinematics.home + offset, kinematics.low, kinematics.high)


def test_the_home_pose_has_zero_rotation_and_points_down(kinematics: Kinematics) -> None:
    state = kinematics.forward(kinematics.home, OPEN)
    space = kinematics.codec.space
    for arm in ("left", "right"):
        np.testing.assert_allclose(state[space.slice(f"{arm}_rotation")], 0.0, atol=1e-12)
    for w, x, y, _ in kinematics.poses(kinematics.home).quaternions:
        assert 2 * (w * w) - 1 + 2 * 0 * x * y == pytest.approx(-1.0, abs=1e-6)


@given(st.integers(0, 10_000))
def test_inverse_undoes_forward(kinematics: Kinematics, seed: int) -> None:
    action = kinematics.forward(_near_home(kinematics, seed, 0.25), OPEN)
    found = kinematics.solve(action, kinematics.home)
    np.testing.assert_allclose(kinematics.forward(found, OPEN), action, atol=1e-4)


@given(st.integers(0, 10_000), st.lists(st.floats(-2.0, 2.0), min_size=14, max_size=14))
def test_steps_never_leave_their_bounds(kinematics: Kinematics, seed: int, action: list[float]) -> None:
    q = _near_home(kinematics, seed, 2.0)
    low, high = np.maximum(q - 0.02, kinematics.low), np.minimum(q + 0.02, kinematics.high)
    stepped = kinematics.step(kinematics.codec.poses(np.array(action)), q, low, high)
    assert (stepped >= low).all() and (stepped <= high).all()


def test_the_elbow_returns_when_the_tool_does(kinematics: Kinematics) -> None:
    home = kinematics.forward(kinematics.home, OPEN)
    q = kinematics.home
    for phase in np.linspace(0, 2 * np.pi, 480):
        action = home.copy()
        action[:3] += 0.05 * np.sin(phase), 0.08 * (1 - np.cos(phase)), 0.0
        q = kinematics.step(kinematics.codec.poses(action), q, kinematics.low, kinematics.high)
    for _ in range(300):
        q = kinematics.step(kinematics.codec.poses(home), q, kinematics.low, kinematics.high)
    np.testing.assert_allclose(q, kinematics.home, atol=0.01)


def test_inverse_kinematics_refuse_what_is_not_finite(kinematics: Kinematics) -> None:
    with pytest.raises(ControlError, match="not finite"):
        kinematics.solve(np.full(14, np.nan), kinematics.home)


def test_the_reached_pose_is_the_one_that_mink_reaches(robot: RobotConfig, kinematics: Kinematics) -> None:
    action = kinematics.forward(_near_home(kinematics, 3, 0.3), OPEN)
    ours = kinematics.forward(kinematics.solve(action, kinematics.home), OPEN)
    model = robot_spec(robot).compile()
    configuration = mink.Configuration(model)
    q = configuration.q.copy()
    for name, value in zip(robot.joint_names, kinematics.home, strict=True):
        q[model.joint(name).qposadr[0]] = value
    configuration.update(q)
    poses = kinematics.codec.poses(action)
    tasks = []
    for index, arm in enumerate(robot.arms):
        task = mink.FrameTask(f"{arm.name}_tool", "site", position_cost=1.0, orientation_cost=0.3)
        task.set_target(mink.SE3(np.concatenate([poses.quaternions[index], poses.positions[index]])))
        tasks.append(task)
    for _ in range(50):
        velocity = mink.solve_ik(configuration, tasks, 1.0, "daqp", damping=1e-5)
        configuration.integrate_inplace(velocity, 1.0)
    theirs = [configuration.data.site(f"{arm.name}_tool").xpos for arm in robot.arms]
    np.testing.assert_allclose([ours[0:3], ours[7:10]], theirs, atol=1e-4)
