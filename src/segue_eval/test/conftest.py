"""The real robot, task and MuJoCo world, shared by the tests, and one short episode recorded from them."""

from pathlib import Path

import pytest
from hypothesis import settings

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_data.contracts import load_robot, load_task
from segue_eval.build import Runner, Setup
from segue_eval.recording import LockstepRecorder
from segue_eval.result import EpisodeResult
from segue_eval.simulated_plant import SimulatedPlant
from segue_eval.testing.doubles import WavingPolicy

settings.register_profile("segue", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("segue")

SHORT, BRIEF = (
    Setup("pick_place", "waving", "", scheduler={"time_limit_s": limit_s}) for limit_s in (2.0, 0.5)
)


@pytest.fixture(scope="session")
def robot() -> RobotConfig:
    return load_robot("dual_arm")


@pytest.fixture(scope="session")
def task() -> TaskConfig:
    return load_task("pick_place")


@pytest.fixture(scope="session")
def plant(robot: RobotConfig, task: TaskConfig) -> SimulatedPlant:
    return SimulatedPlant(robot, task)


@pytest.fixture(scope="session")
def recorded(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, EpisodeResult]:
    """Run folder with a bag of two seconds, and the result of the same episode."""
    return _record(robot, task, plant, SHORT, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def brief(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, EpisodeResult]:
    """As `recorded`, half a second: for what is told of a run beside its film, which takes longest."""
    return _record(robot, task, plant, BRIEF, tmp_path_factory.mktemp("brief"))


def _record(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant, setup: Setup, folder: Path
) -> tuple[Path, EpisodeResult]:
    runner = Runner(robot, task, WavingPolicy(), plant, setup)
    recorder = LockstepRecorder(folder / "bag", plant, robot, "legato", task.name, 5)
    result = runner(5, on_tick=recorder)
    recorder.finish(result)
    return folder, result
