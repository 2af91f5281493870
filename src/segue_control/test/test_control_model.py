"""A contract is for its model file: parts that the file lacks, and poses that its joints cannot have, are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue_control.robot.kinematics import Kinematics
from segue_control.robot.model import robot_spec
from segue_control.robot.model_checks import compiled, refuse_no_room
from segue_core.contracts.base import parse_model
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode
from segue_core.files import load_config

ROBOTS = Path(__file__).resolve().parents[3] / "config" / "robots"
NAMES = sorted(path.stem for path in ROBOTS.glob("*.yaml"))


def _changed(robot: str, **arm: Any) -> RobotConfig:
    data = load_config(ROBOTS / f"{robot}.yaml", RobotConfig).model_dump(mode="json", exclude_none=True)
    data["arms"][0] |= arm
    return parse_model(data, RobotConfig, "test.yaml")


@pytest.mark.parametrize("robot", NAMES)
def test_a_home_pose_outside_of_the_joints_limits_is_refused_with_the_joint_and_its_limits(
    robot: str,
) -> None:
    arm = load_config(ROBOTS / f"{robot}.yaml", RobotConfig).arms[0]
    home = list(arm.home_rad)
    home[1] += 20.0
    with pytest.raises(ConfigError, match=rf"home_rad of {arm.joints[1]}; got .*its limits") as caught:
        Kinematics(_changed(robot, home_rad=home))
    assert caught.value.code == ErrorCode.CONFIG_INVALID_VALUE


def test_a_part_that_the_model_lacks_is_refused_with_the_nearest_one() -> None:
    arm = load_config(ROBOTS / "franka.yaml", RobotConfig).arms[0].model_dump(mode="json", exclude_none=True)
    broken = (
        ({"joints": [*arm["joints"][:-1], "joint77"]}, "joint of arm 'arm' 'joint77'"),
        ({"root": "lnk0"}, "body of arm 'arm' 'lnk0'"),
        ({"tool": {**arm["tool"], "body": "hnad"}}, "body of arm 'arm' 'hnad'"),
        ({"gripper": {**arm["gripper"], "tendon": "splitt"}}, "tendon of arm 'arm' 'splitt'"),
        (
            {"gripper": {**arm["gripper"], "finger_joints": ["finger_jont1", "finger_joint2"]}},
            "joint of arm 'arm' 'finger_jont1'",
        ),
    )
    for change, text in broken:
        with pytest.raises(ConfigError, match=f"{text}.*did you mean") as caught:
            Kinematics(_changed("franka", **change))
        assert caught.value.code == ErrorCode.CONFIG_UNKNOWN_NAME


def test_what_mujoco_cannot_build_is_refused_in_its_words() -> None:
    robot = load_config(ROBOTS / "jaco2.yaml", RobotConfig)
    spec = robot_spec(robot)
    spec.worldbody.add_body().name = spec.bodies[-1].name
    with pytest.raises(ConfigError, match="MuJoCo cannot build robot 'jaco2'.*repeated name") as caught:
        compiled(robot, spec)
    assert caught.value.code == ErrorCode.CONFIG_INVALID_VALUE


@pytest.mark.parametrize("robot", NAMES)
def test_a_robot_shown_by_its_hulls_compiles_no_mesh_that_nothing_has(robot: str) -> None:
    config = load_config(ROBOTS / f"{robot}.yaml", RobotConfig)
    model = compiled(config, robot_spec(config))
    if config.model.visuals == "hull":
        assert set(range(model.nmesh)) == set(model.geom_dataid[model.geom_dataid >= 0].tolist())


def _franka(**fields: Any) -> RobotConfig:
    data = load_config(ROBOTS / "franka.yaml", RobotConfig).model_dump(mode="json", exclude_none=True)
    return parse_model(data | fields, RobotConfig, "test.yaml")


def test_a_home_pose_outside_of_the_workspace_is_refused_with_the_tools_place() -> None:
    away = {"low": [0.6, 0.3, 0.3], "high": [0.7, 0.4, 0.4]}
    with pytest.raises(
        ConfigError, match=r"pose 'home' the tool of arm 'arm' is outside.*got \(0\.36"
    ) as caught:
        Kinematics(_franka(workspace=away))
    assert caught.value.code == ErrorCode.CONFIG_INVALID_VALUE


def test_a_margin_that_leaves_the_home_pose_or_a_joint_no_room_is_refused_at_load() -> None:
    limits = _franka().limits.model_dump()
    with pytest.raises(ConfigError, match="home_rad of joint4; got -2.77.*less position_margin_rad 1"):
        Kinematics(_franka(limits=limits | {"position_margin_rad": 1.0}))
    robot = _franka()
    with pytest.raises(ConfigError, match="position_margin_rad leaves joint 'arm_joint1' no room"):
        refuse_no_room(robot, np.zeros(7), np.full(7, 0.015))
    with pytest.raises(ConfigError, match="joint 'arm_joint1' has no limits.*What to do: give it a range"):
        refuse_no_room(robot, np.zeros(7), np.zeros(7))


def test_a_planning_pose_that_the_joints_cannot_have_is_refused_with_its_name() -> None:
    with pytest.raises(ConfigError, match="planning pose 'odd' of joint1; got 9.0; expected .*its limits"):
        Kinematics(_franka(planning={"poses": {"odd": [9.0] * 7}}))


def test_joints_in_another_order_than_the_models_or_off_the_tools_chain_are_refused() -> None:
    arm = _franka().arms[0].model_dump(mode="json", exclude_none=True)
    order = ["joint2", "joint1", *arm["joints"][2:]]
    with pytest.raises(
        ConfigError, match="got joint2, joint1, .*expected joint1, joint2, .*model's own order"
    ):
        Kinematics(_changed("franka", joints=order))
    with pytest.raises(ConfigError, match="move its tool 'link1'.*expected joint1 "):
        Kinematics(_changed("franka", tool={**arm["tool"], "body": "link1"}))
