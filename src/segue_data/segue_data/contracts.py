"""Find robot and task contracts by name: the user's own, then those of a `config/` folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from segue_core.contracts.base import StrictModel
from segue_core.contracts.lockstep import LockstepRobot, LockstepTask
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.search import config_files, is_world
from segue_core.contracts.task import TaskConfig
from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_core.files import load_config, load_config_mapping
from segue_data.errors import missing
from segue_sim.worlds import families, find_world

ModelT = TypeVar("ModelT", bound=StrictModel)
_SINGULAR = {
    "robots": "robot",
    "tasks": "task",
    "policies": "policy",
    "suites": "suite",
    "training": "policy to train",
}


def config_folder() -> Path:
    """`$SEGUE_CONFIG_DIR`, the source tree's `config/`, or the one installed with segue_bringup."""
    prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    tried = [Path(os.environ["SEGUE_CONFIG_DIR"])] if os.environ.get("SEGUE_CONFIG_DIR") else []
    tried += [parent / "config" for parent in Path(__file__).resolve().parents]
    tried += [prefix / "share" / "segue_bringup" / "config" for prefix in prefixes]
    for folder in tried:
        if (folder / "robots").is_dir():
            return folder
    raise missing("config/robots", f"not found; set SEGUE_CONFIG_DIR (tried {', '.join(map(str, tried))})")


def path_of(kind: str, name: str) -> Path:
    """The file of a kind, such as "robots"; ConfigError listing the valid names otherwise."""
    files = config_files(kind, config_folder())
    if name not in files:
        raise unknown_name(_SINGULAR[kind], name, files)
    return files[name]


def _load(kind: str, name: str, model: type[ModelT]) -> ModelT:
    return load_config(path_of(kind, name), model, _SINGULAR[kind])


def load_robot(name: str) -> RobotConfig:
    """Robot contract `robots/<name>.yaml`, the user's own or shipped; ConfigError listing the valid names otherwise."""
    return _load("robots", name, RobotConfig)


def recorded_robot(name: str, source: Path, options: str = "--robot NAME") -> RobotConfig:
    """Contract that a bag or dataset names; DataError with the `options` that take another where there is none."""
    if name not in robot_names():
        known = ", ".join(robot_names())
        raise missing(
            source, f"no contract of its robot {name!r}; say whose it is: {options}, NAME is one of {known}"
        )
    return load_robot(name)


def names(kind: str) -> tuple[str, ...]:
    """Names of the files of a kind, such as "robots", the user's own among them, sorted."""
    return tuple(config_files(kind, config_folder()))


def robot_names() -> tuple[str, ...]:
    """Names of all robot contracts, sorted."""
    return names("robots")


def tasks_of(robot: str) -> tuple[str, ...]:
    """Names of the tasks that are made for a robot, sorted."""
    files = config_files("tasks", config_folder())
    told = {name: load_config_mapping(path, "task") for name, path in files.items()}
    return tuple(name for name, task in told.items() if task.get("robot") == robot)


def first_task(robot: str, usual: str, policy: str) -> tuple[str, str]:
    """What a robot does that is named alone, and a sentence that says so; empty where it is the `usual` task.

    It is the usual task if that is made for the robot, else the first one for which a checkpoint of the policy is
    shipped, else its first.

    Raises:
        ConfigError: there is no such robot, or no task is made for it.
    """
    fitting = tasks_of(robot)
    if usual in fitting:
        return usual, ""
    if not fitting:
        load_robot(robot)
        do = "describe one in config/tasks (docs/your-own-robot.md)"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, f"no task is made for robot {robot!r}", do=do)
    shipped = _trained(policy, fitting)
    task = (shipped or fitting)[0]
    why = f", for which there is a checkpoint of {policy}" if shipped else ", its first task"
    return task, f"robot {robot} does {task}{why}{_also(task, fitting)}"


def trained_task(policy: str, usual: str) -> tuple[str, str]:
    """What a policy does that is named alone, and a sentence that says so; empty where it is the `usual` task.

    It is the usual task, unless no checkpoint of the policy is shipped for that and one is for another.
    """
    shipped = _trained(policy, task_names())
    if usual in shipped or not shipped:
        return usual, ""
    task = shipped[0]
    return task, f"policy {policy} does {task}, for which there is a checkpoint{_also(task, shipped)}"


def _trained(policy: str, tasks: Sequence[str]) -> tuple[str, ...]:
    """Those of `tasks` that a checkpoint of the policy is shipped for."""
    return tuple(task for task in tasks if (config_folder() / "checkpoints" / f"{policy}_{task}").is_dir())


def _also(task: str, tasks: Sequence[str]) -> str:
    others = ", ".join(other for other in tasks if other != task)
    return f" (also: {others})" if others else ""


def load_task(name: str) -> TaskConfig:
    """Task contract `tasks/<name>.yaml`, the user's own or shipped; ConfigError listing the valid names otherwise."""
    refuse_world(name)
    return _load("tasks", name, TaskConfig)


def refuse_world(task: str) -> None:
    """Refuse the task of a world that others wrote, where our own simulator or a robot is needed."""
    if is_world(task) and task.partition("/")[0] in families():
        text = f"task {task} is of a world that others wrote, which runs in lockstep only"
        do = f"segue eval --task {task} --policy scripted, segue data record --task {task} --out DATASET"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, do=do)


def lockstep_task(name: str) -> LockstepTask:
    """The task of a world that others wrote, FAMILY/NAME, or a contract; ConfigError with the valid names otherwise."""
    return find_world(name).task if is_world(name) else load_task(name)


def lockstep_robot(robot: str, task: str) -> LockstepRobot:
    """Who does `task`: a contract by its name, or who acts in a world that others wrote.

    Raises:
        ConfigError: no such robot or task, with the valid ones; or another robot than the world has.
    """
    if not is_world(task):
        return load_robot(robot)
    own = find_world(task).robot
    if robot != own.name:
        text = f"task {task} has a robot of its own"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=robot, expected=own.name)
    return own


def task_names() -> tuple[str, ...]:
    """Names of all task contracts, sorted."""
    return names("tasks")
