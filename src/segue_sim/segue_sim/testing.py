"""For tests: the shipped tasks and robots by name."""

from pathlib import Path

from segue_core.config_base import load_yaml
from segue_core.robot_config import RobotConfig
from segue_core.task_config import TaskConfig

_CONFIG = Path(__file__).resolve().parents[3] / "config"
TASKS = _CONFIG / "tasks"
ROBOTS = _CONFIG / "robots"


def task_names() -> list[str]:
    """All shipped tasks, sorted."""
    return sorted(path.stem for path in TASKS.glob("*.yaml"))


def load_task(name: str) -> TaskConfig:
    """A shipped task."""
    path = TASKS / f"{name}.yaml"
    return load_yaml(path.read_text(encoding="utf-8"), TaskConfig, path.name)


def load_robot(name: str) -> RobotConfig:
    """A shipped robot."""
    path = ROBOTS / f"{name}.yaml"
    return load_yaml(path.read_text(encoding="utf-8"), RobotConfig, path.name)
