"""A robot and its sensors."""

from pathlib import Path

import pytest
from hypothesis import settings

from segue_core.contracts.base import load_yaml
from segue_core.contracts.robot import RobotConfig
from segue_perception.testing import SensorRig

settings.register_profile("segue", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("segue")

ROBOT_FILE = Path(__file__).parents[3] / "config" / "robots" / "dual_arm.yaml"


@pytest.fixture(scope="session")
def robot() -> RobotConfig:
    """The two-armed robot."""
    return load_yaml(ROBOT_FILE.read_text(encoding="utf-8"), RobotConfig, str(ROBOT_FILE))


@pytest.fixture
def rig(robot: RobotConfig) -> SensorRig:
    """Its sensors."""
    return SensorRig(robot)
