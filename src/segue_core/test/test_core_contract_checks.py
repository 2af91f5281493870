"""A robot contract whose numbers contradict each other is refused, naming them."""

from pathlib import Path
from typing import Any

import pytest

from segue_core.contracts.base import load_mapping, parse_model
from segue_core.contracts.gripper import GripperConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError

ROBOTS = Path(__file__).resolve().parents[3] / "config" / "robots"


def contract(name: str, **fields: Any) -> RobotConfig:
    text = (ROBOTS / f"{name}.yaml").read_text(encoding="utf-8")
    return parse_model(load_mapping(text, name) | fields, RobotConfig, f"{name}.yaml")


@pytest.mark.parametrize("path", sorted(ROBOTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_contract_is_valid_and_called_like_its_file(path: Path) -> None:
    robot = contract(path.stem)
    assert robot.name == path.stem
    assert len(robot.joint_names) == sum(len(arm.home_rad) for arm in robot.arms)


@pytest.mark.parametrize("field", ["home_rad", "stiffness", "damping", "torque_n_m"])
def test_an_arm_has_one_number_per_joint(field: str) -> None:
    arm = contract("jaco2").model_dump(mode="json", exclude_none=True)["arms"][0]
    with pytest.raises(ConfigError, match=f"{field} has 5 numbers for 6 joints"):
        contract("jaco2", arms=[arm | {field: [1.0] * 5}])


def test_limits_have_one_number_per_joint() -> None:
    limits = contract("jaco2").limits.model_dump()
    with pytest.raises(ConfigError, match="jerk_rad_s3 has 7 numbers for 6 joints"):
        contract("jaco2", limits=limits | {"jerk_rad_s3": [1.0] * 7})


def test_rates_are_whole_multiples_of_each_other() -> None:
    with pytest.raises(ConfigError, match="control_rate_hz 100.0 per tick_rate_hz 30.0: 3.33333"):
        contract("jaco2", tick_rate_hz=30.0)
    with pytest.raises(ConfigError, match=r"physics_step_s 0.003.*3.33333 is not a whole number"):
        contract("jaco2", physics_step_s=0.003)


def test_a_camera_is_on_the_world_or_on_an_arm_that_there_is() -> None:
    camera = contract("jaco2").cameras["external"].model_dump()
    with pytest.raises(ConfigError, match="camera 'wrist': mount 'left/hand'"):
        contract("jaco2", cameras={"wrist": camera | {"mount": "left/hand"}})


FINGERS = {"finger_joints": ["a", "b", "c"], "force_n": 10.0}
MOTORS = {"open_position": [0.1] * 3, "closed_position": [1.0] * 3}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "needs either tendon and open_m, or open_position and closed_position"),
        ({"tendon": "t"}, "needs either"),
        ({"tendon": "t", "open_m": 0.04} | MOTORS, "needs either"),
        (MOTORS | {"open_position": [0.1] * 2}, "3 numbers each"),
        (MOTORS | {"closed_position": [0.1, 1.0, 1.0]}, "same place open and closed"),
        (MOTORS | {"finger_effort": [1.0]}, "one number per motor, 3"),
    ],
)
def test_a_gripper_is_on_a_tendon_or_has_a_motor_per_finger(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_model(FINGERS | fields, GripperConfig, "hand.yaml")


def test_openings_are_between_the_positions_open_and_closed() -> None:
    hand = parse_model(FINGERS | MOTORS, GripperConfig, "hand.yaml")
    assert (hand.opened, hand.closed, hand.motors) == ((0.1,) * 3, (1.0,) * 3, 3)
    parallel = parse_model(FINGERS | {"tendon": "t", "open_m": 0.04}, GripperConfig, "hand.yaml")
    assert (parallel.opened, parallel.closed, parallel.motors) == ((0.04,) * 3, (0.0,) * 3, 1)


@pytest.mark.parametrize(
    "fingers", [["finger_joint1", "finger_joint1"], ["joint1", "finger_joint2"], ["finger_joint1", ""]]
)
def test_a_joint_has_one_part_in_a_contract(fingers: list[str]) -> None:
    arm = contract("franka").model_dump(mode="json", exclude_none=True)["arms"][0]
    with pytest.raises(ConfigError, match="is there twice|has no name"):
        contract("franka", arms=[arm | {"gripper": arm["gripper"] | {"finger_joints": fingers}}])


def test_a_planning_pose_has_a_number_per_joint_and_is_not_called_home() -> None:
    with pytest.raises(ConfigError, match="planning pose 'aside' has 1 numbers for 7 joints"):
        contract("franka", planning={"poses": {"aside": [0.0]}})
    with pytest.raises(ConfigError, match="planning pose 'home' is the arms' home_rad"):
        contract("franka", planning={"poses": {"home": [0.0] * 7}})
