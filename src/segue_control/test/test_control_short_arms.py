"""An arm of five joints that is told tool poses keeps their positions and the nearest orientations."""

from pathlib import Path

import numpy as np
import pytest

from segue_control.controller import RobotController
from segue_control.robot import rotation_wxyz
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.poses import ToolPoses
from segue_core.contracts.base import parse_model
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError
from segue_core.files import load_config

SO100 = load_config(Path(__file__).parents[3] / "config" / "robots" / "so100.yaml", RobotConfig)


def _in_poses(kind: str = "cartesian_pose", **tool: object) -> RobotConfig:
    data = SO100.model_dump(mode="json", exclude_none=True)
    data |= {"action_space_name": "single_arm_ee", "controller": {"kind": kind}}
    data["arms"][0]["tool"] |= tool
    return parse_model(data, RobotConfig, "so100.yaml")


def _away(kinematics: Kinematics, q: np.ndarray, target: ToolPoses) -> tuple[float, float]:
    reached = kinematics.poses(q)
    turn = rotation_wxyz.difference(target.quaternions[0].tolist(), reached.quaternions[0].tolist())
    return float(np.linalg.norm(reached.positions - target.positions)), float(np.linalg.norm(turn))


def _reached(kinematics: Kinematics, target: ToolPoses, steps: int = 400) -> np.ndarray:
    q = kinematics.home
    for _ in range(steps):
        q = kinematics.step(target, q, kinematics.low, kinematics.high)
    return q


def test_tool_poses_are_refused_for_five_joints_until_the_contract_says_what_becomes_of_them() -> None:
    data = _in_poses().model_dump(mode="json", exclude_none=True)
    del data["arms"][0]["tool"]["orientation"]
    with pytest.raises(
        ConfigError, match="'arm' has 5 joints .*single_arm_ee.*orientation: nearest"
    ) as caught:
        parse_model(data, RobotConfig, "so100.yaml")
    assert len(str(caught.value)) < 400, "the sentence that matters, not the contract"


@pytest.mark.parametrize("kind", ["cartesian_pd_velocity", "cartesian_impedance"])
def test_laws_that_pull_at_an_orientation_are_refused_for_five_joints(kind: str) -> None:
    with pytest.raises(ConfigError, match=f"{kind}.*nearest.*cartesian_pose"):
        _in_poses(kind)


def test_a_pose_that_five_joints_have_is_reached_whole() -> None:
    kinematics, rng = Kinematics(_in_poses()), np.random.default_rng(3)
    for _ in range(10):
        q = kinematics.home + rng.uniform(-0.3, 0.3, 5)
        q = np.clip(q, kinematics.low + 0.05, kinematics.high - 0.05)
        target = kinematics.poses(q)
        metres, radians = _away(kinematics, _reached(kinematics, target), target)
        assert metres < 1e-5 and radians < 1e-3
        assert kinematics.off_m[0] < 1e-5 and kinematics.off_rad[0] < 1e-3


def test_the_position_is_kept_whatever_the_orientation_and_what_is_missed_is_told() -> None:
    kinematics, rng = Kinematics(_in_poses()), np.random.default_rng(4)
    home = kinematics.poses(kinematics.home)
    for _ in range(20):
        tilt = rotation_wxyz.from_rotation_vector(rng.uniform(-0.6, 0.6, 3).tolist())
        position = np.array([[rng.uniform(0.16, 0.28), rng.uniform(-0.12, 0.12), rng.uniform(0.02, 0.12)]])
        target = ToolPoses(position, np.array([rotation_wxyz.multiply(tilt, home.quaternions[0].tolist())]))
        metres, radians = _away(kinematics, _reached(kinematics, target), target)
        assert metres < 1e-3
        assert kinematics.off_rad[0] == pytest.approx(radians, abs=0.05)


def test_the_orientation_is_the_nearest_at_that_position() -> None:
    kinematics = Kinematics(_in_poses())
    home = kinematics.poses(kinematics.home)
    tilt = rotation_wxyz.from_rotation_vector([0.3, 0.1, 0.2])  # sideways: no joint does that
    target = ToolPoses(
        np.array([[0.22, 0.0, 0.05]]), np.array([rotation_wxyz.multiply(tilt, home.quaternions[0].tolist())])
    )
    q = _reached(kinematics, target)
    _, nearest = _away(kinematics, q, target)
    jacobian = kinematics.jacobians(q)[0]
    _, _, rows = np.linalg.svd(jacobian[:3])
    for free in rows[3:]:  # motions that leave the position where it is
        for way in (-0.02, 0.02):
            assert _away(kinematics, q + way * free, target)[1] > nearest - 1e-6


def test_an_orientation_that_is_missed_is_counted_by_the_guard() -> None:
    robot = _in_poses()
    controller = RobotController(robot)
    controller.reset(controller.kinematics.home)
    action = controller.kinematics.forward(controller.kinematics.home, np.ones(1))
    for tick in range(30):
        action[robot.action_space.slice("arm_rotation").start] = min(0.5, 0.05 * tick)
        controller.set_target(action, tick)
        for _ in range(4):
            controller.update(1.0 / robot.control_rate_hz)
    assert controller.guard.counts["orientation:arm"] > 50
    tool = controller.kinematics.poses(controller.guard.position).positions[0]
    np.testing.assert_allclose(tool, action[robot.action_space.slice("arm_position")], atol=1e-3)
