"""The robot that the tests control, and one verdict on every machine, however slow."""

from pathlib import Path

import pytest
from hypothesis import settings

from segue_control.controller import RobotController
from segue_control.robot.kinematics import Kinematics
from segue_core.contracts.base import load_yaml
from segue_core.contracts.robot import RobotConfig

settings.register_profile("segue", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("segue")

ROBOT_FILE = Path(__file__).parents[3] / "config" / "robots" / "dual_arm.yaml"


@pytest.fixture(scope="session")
def robot() -> RobotConfig:
    """The two-armed robot."""
    return load_yaml(ROBOT_FILE.read_text(encoding="utf-8"), RobotConfig, str(ROBOT_FILE))


@pytest.fixture(scope="session")
def kinematics(robot: RobotConfig) -> Kinematics:
    """Its kinematics."""
    return Kinematics(robot)


@pytest.fixture
def controller(robot: RobotConfig) -> RobotController:
    """Its controller, armed at the home pose."""
    controller = RobotController(robot)
    controller.reset(controller.kinematics.home)
    return controller
