"""For tests: the shipped tasks and robots by name."""

from pathlib import Path

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.files import load_config

_CONFIG = Path(__file__).resolve().parents[3] / "config"
TASKS = _CONFIG / "tasks"
ROBOTS = _CONFIG / "robots"


def task_names() -> list[str]:
    """All shipped tasks, sorted."""
    return sorted(path.stem for path in TASKS.glob("*.yaml"))


def load_task(name: str) -> TaskConfig:
    """A shipped task."""
    return load_config(TASKS / f"{name}.yaml", TaskConfig, "task")


def load_robot(name: str) -> RobotConfig:
    """A shipped robot."""
    return load_config(ROBOTS / f"{name}.yaml", RobotConfig, "robot")
