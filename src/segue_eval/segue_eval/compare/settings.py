"""How a recorded run was configured, from the files that it left beside its bag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue_core.contracts.base import parse_model
from segue_core.contracts.plain import from_plain
from segue_core.errors import ConfigError, ErrorCode, SegueError
from segue_core.files import load_config_mapping
from segue_core.scheduler_config import SchedulerConfig
from segue_data.contracts import config_folder, load_task
from segue_eval.report.result_file import read_result

_FILE = "config.yaml"
_LEVELS = 3  # config.yaml is in the bag's folder or at most so many above


@dataclass(frozen=True)
class RecordedSettings:
    """What is known of a run besides its bag; empty fields are not known.

    Args:
        scheduler: fields of `SchedulerConfig`, without the horizon, which is the policy's.
        source: where this was read, for people.
    """

    scheduler: Mapping[str, Any]
    task: str = ""
    robot: str = "dual_arm"
    checkpoint: str = ""
    seed: int = 0
    source: str = ""

    @property
    def instruction(self) -> str:
        """What a policy with language is told, in the task's own words; empty for a task that is not here."""
        try:
            return load_task(self.task).instruction
        except SegueError:
            return ""


def find_settings(bag: Path) -> RecordedSettings:
    """Settings of the run that `bag` belongs to, of a graph (`segue run`) or of lockstep (`segue eval --videos`).

    A bag without them gives the defaults, with an empty `source`. Raises ConfigError or DataError for a file that is
    not what a run leaves.
    """
    folders = [bag, *bag.resolve().parents][: _LEVELS + 1]
    found = next((folder for folder in folders if (folder / _FILE).exists()), None)
    if found is None:
        return RecordedSettings({})
    path = found / _FILE
    data = load_config_mapping(path)
    seed = int(read_result(found).get("seed", 0))
    read = _lockstep if "scheduler" in data and "latency" in data else _graph
    try:
        return read(data, seed, str(path))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        text = f"{path}: not what a run leaves: {error!r:.300}"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text) from error


def _lockstep(data: Mapping[str, Any], seed: int, source: str) -> RecordedSettings:
    task, scheduler = str(data["task"]), dict(data["scheduler"])
    return RecordedSettings(
        {"time_limit_s": _limit(task)} | scheduler,
        task,
        str(data.get("robot", "dual_arm")),
        str(data.get("checkpoint", "")),
        seed,
        source,
    )


def _graph(data: Mapping[str, Any], seed: int, source: str) -> RecordedSettings:
    """The scheduler node's parameters, as they were; they are named like the fields of `SchedulerConfig`."""
    arguments = data.get("arguments") or {}
    nodes = {str(node.get("name")): node.get("parameters") or {} for node in data.get("nodes") or ()}
    given = dict(nodes.get("scheduler", {}))
    task = str(given.get("task") or arguments.get("task") or "")
    told = {name: given[name] for name in SchedulerConfig.model_fields if name in given}
    told["time_limit_s"] = told.get("time_limit_s") or _limit(task)
    values = parse_model(from_plain(told, SchedulerConfig), SchedulerConfig, source).model_dump(
        exclude_unset=True
    )
    robot, checkpoint = arguments.get("robot") or "dual_arm", nodes.get("policy", {}).get("checkpoint", "")
    return RecordedSettings(values, task, str(robot), str(checkpoint), seed, source)


def _limit(task: str) -> float:
    """The task's own time limit [s]; the scheduler's default for a task that is not here."""
    try:
        return load_task(task).time_limit_s
    except SegueError:
        return float(SchedulerConfig.model_fields["time_limit_s"].default)


def default_checkpoint(settings: RecordedSettings, policy: str) -> Path:
    """The checkpoint that ran, where it still is; else the shipped one of that policy and task."""
    recorded = Path(settings.checkpoint)
    if settings.checkpoint and recorded.is_dir():
        return recorded
    return config_folder() / "checkpoints" / f"{policy}_{settings.task}"
