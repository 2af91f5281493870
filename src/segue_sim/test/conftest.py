"""The real robot and task contracts, and one world that the tests share."""

from pathlib import Path

import pytest

from segue_core.contracts.base import load_yaml
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_sim.episode import Episode

CONFIG = Path(__file__).resolve().parents[3] / "config"


@pytest.fixture(scope="session")
def robot() -> RobotConfig:
    path = CONFIG / "robots" / "dual_arm.yaml"
    return load_yaml(path.read_text(), RobotConfig, path.name)


@pytest.fixture(scope="session")
def task() -> TaskConfig:
    path = CONFIG / "tasks" / "pick_place.yaml"
    return load_yaml(path.read_text(), TaskConfig, path.name)


@pytest.fixture(scope="session")
def world(robot: RobotConfig, task: TaskConfig) -> Episode:
    return Episode(robot, task, render=False)
