"""The folder that a run leaves behind: runs/<time>-<task>-<policy>/."""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from segue_bringup.catalogue import MODELS, entry
from segue_bringup.environment.conditions import RECORDING_MB, UNRECORDED_MB, room
from segue_bringup.graph import Graph
from segue_bringup.resolution import Plan
from segue_core.errors import ConfigError, ErrorCode
from segue_data.storage.atomic import write_text


@dataclass(frozen=True)
class RunFolder:
    """Where each thing of a run goes.

    config.yaml       every argument, process and configuration file, as they were
    parameters/       the ROS parameter file of each node
    logs/             output of each node
    bag/              rosbag2 recording
    result.json       how it ended
    metrics.json, report.html, episode.mp4       made from the bag afterwards
    """

    root: Path

    @property
    def bag(self) -> Path:
        """Folder that the recorder puts its bag into."""
        return self.root / "bag"

    @property
    def parameters(self) -> Path:
        """Folder of the parameter files."""
        return self.root / "parameters"

    def log(self, node: str) -> Path:
        """Log file of a node."""
        return self.root / "logs" / f"{node}.log"

    def write_configuration(self, graph: Graph, plan: Plan) -> None:
        """Keep what the run was started with."""
        chosen = {a.config: str(plan.arguments[name]) for name, a in graph.arguments.items() if a.config}
        content = {
            "arguments": dict(plan.arguments),
            "nodes": [_node(node) for node in plan.nodes],
            "files": {
                f"{kind}/{name}.yaml": entry(kind, name) for kind, name in chosen.items() if kind in MODELS
            },
            "machine": {"system": platform.platform(), "python": platform.python_version()},
        }
        path = self.root / "config.yaml"
        write_text(path, yaml.safe_dump(content, sort_keys=False))

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Keep how the run ended."""
        write_json(self.root / "result.json", result)


def refuse_full_disk(parent: Path, *, recorded: bool = True) -> None:
    """Raises ConfigError when the disk of `parent` has no room for a run: the recorder's limit, if it is recorded."""
    if full := room(parent, RECORDING_MB if recorded else UNRECORDED_MB):
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, full.found, do=full.cure)


def create_run_folder(parent: Path, task: str, policy: str, now: datetime) -> RunFolder:
    """A new folder below `parent`; a second run within one second gets a number.

    Raises:
        ConfigError: the folder cannot be made (no permission, no space, a file in the way).
    """
    name = f"{now:%Y%m%d-%H%M%S}-{task}-{policy}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in range(1000):
            folder = parent / (f"{name}-{number}" if number else name)
            if not folder.exists():
                folder.mkdir()
                return RunFolder(folder)
    except OSError as error:
        raise ConfigError(
            ErrorCode.CONFIG_UNREADABLE, f"cannot make the run folder {parent / name}: {error}"
        ) from error
    raise ConfigError(ErrorCode.CONFIG_CONFLICT, f"a thousand runs are called {name}")


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write plain data for scripts, whole or not at all; OSError when the disk refuses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(data, indent=2) + "\n")


def _node(node: Any) -> dict[str, Any]:
    return {
        "name": node.name,
        "package": node.package,
        "executable": node.executable,
        "parameters": dict(node.parameters),
        "environment": dict(node.environment),
    }
