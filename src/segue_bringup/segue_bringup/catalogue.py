"""The configuration folder: where it is, what names are in it, and its files as typed models."""

import os
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from segue_core.contracts.base import StrictModel, load_mapping, load_yaml
from segue_core.contracts.search import config_files
from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_core.files import read_config


class PolicyEntry(StrictModel):
    """How a policy is started, as `config/policies/<name>.yaml` describes it."""

    name: str = Field(description="the name used as `policy:=` argument")
    description: str = Field(description="one sentence for people")
    package: str = Field(description="package of the node")
    executable: str = Field(description="executable of the node")
    checkpoint: str = Field(description="folder of the trained weights; may use ${config} and ${task}")
    continuation: str = Field(description="continuation method when none is asked for")
    nice: int = Field(
        default=5, ge=0, le=19, description="how much its node yields to the controllers on a busy machine"
    )
    real_time_factors: Mapping[str, float] = Field(
        default={}, description="by task: simulated seconds per second that two cores keep up with, if not 1"
    )
    privileged: bool = Field(default=False, description="the simulator tells it the whole state of the world")


MODELS: Mapping[str, str] = {
    "robots": "segue_core.contracts.robot:RobotConfig",
    "tasks": "segue_core.contracts.task:TaskConfig",
    "policies": "segue_bringup.catalogue:PolicyEntry",
}
"""What the files of a kind are; imported when one is read."""

_SINGULAR = {"robots": "robot", "tasks": "task", "policies": "policy", "graph": "graph"}


def _candidates() -> list[Path]:
    override = os.environ.get("SEGUE_CONFIG_DIR")
    if override:
        return [Path(override)]
    source_tree = Path(__file__).resolve().parents[3]  # <root>/src/segue_bringup/segue_bringup/this file
    return [source_tree / "config", *_installed()]


def _installed() -> list[Path]:
    try:
        from ament_index_python.packages import get_package_share_directory
    except ImportError:
        return []
    try:
        return [Path(get_package_share_directory("segue_bringup")) / "config"]
    except LookupError:
        return []


def config_root() -> Path:
    """The folder `config/`: `$SEGUE_CONFIG_DIR`, else that of the source tree, else the installed one."""
    tried = _candidates()
    for folder in tried:
        if (folder / "graph").is_dir():
            return folder.absolute()
    where = ", ".join(str(folder) for folder in tried)
    raise ConfigError(
        ErrorCode.CONFIG_UNREADABLE, "no configuration folder (with graph/ in it) found", got=where
    )


def names(kind: str) -> list[str]:
    """Names that `kind` ("robots", "tasks", "policies", "graph") offers, sorted."""
    return list(config_files(kind, config_root()))


def path_of(kind: str, name: str) -> Path:
    """The file of one entry.

    Raises:
        ConfigError: unknown name; the text lists the valid ones and the nearest.
    """
    files = config_files(kind, config_root())
    if name not in files:
        raise unknown_name(_SINGULAR.get(kind, kind), name, files)
    return files[name]


def entry(kind: str, name: str) -> dict[str, Any]:
    """One entry as plain data, checked against its model where `kind` has one, which fills in what is left out."""
    path = path_of(kind, name)
    text = read_config(path, _SINGULAR.get(kind, kind))
    model = pkgutil.resolve_name(MODELS[kind]) if kind in MODELS else None
    defaults = load_yaml(text, model, str(path)).model_dump(mode="json") if model is not None else {}
    return {**defaults, **load_mapping(text, str(path))}
