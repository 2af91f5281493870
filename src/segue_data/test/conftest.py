"""One small real recording for the laws of this package."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_data.contracts import load_robot, load_task
from segue_data.recording.lockstep import RecordingOptions, record_episode
from segue_data.recording.stage import Demonstration
from segue_data.testing import tiny_stage


@pytest.fixture(scope="session")
def robot() -> RobotConfig:
    return load_robot("dual_arm")


@pytest.fixture(scope="session")
def task() -> TaskConfig:
    return load_task("pick_place")


@pytest.fixture(scope="session")
def recorded(
    robot: RobotConfig, task: TaskConfig, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Demonstration]:
    """A finished bag and the stage that it shows; treat as read-only."""
    stage = tiny_stage(robot, task)
    bag = tmp_path_factory.mktemp("bags") / "episode_000007"
    record_episode(stage, 7, bag, RecordingOptions(settle_ticks=2))
    return bag, stage
