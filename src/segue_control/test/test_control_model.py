"""A contract is for its model file: parts that the file lacks, and poses that its joints cannot have, are refused."""

from pathlib import Path
from typing import Any

import pytest

from segue_control.robot.kinematics import Kinematics
from segue_control.robot.model import robot_spec
from segue_control.robot.model_checks import compiled
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
