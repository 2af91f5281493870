"""The configuration folder: where it is, what names are in it, and its files as typed models."""

import os
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue_core.contracts.base import load_mapping, load_yaml
from segue_core.contracts.search import config_files
from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_core.files import read_config
from segue_policies.policy_entry import policy_entry, policy_names

MODELS: Mapping[str, str] = {
    "robots": "segue_core.contracts.robot:RobotConfig",
    "tasks": "segue_core.contracts.task:TaskConfig",
    "policies": "segue_policies.policy_entry:PolicyEntry",
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
    """Names that `kind` ("robots", "tasks", "policies", "graph") offers, sorted; every method is a policy too."""
    files = config_files(kind, config_root())
    return policy_names(files) if kind == "policies" else list(files)


def path_of(kind: str, name: str) -> Path:
    """The file of one entry; of a policy that is a method without one, where it would be.

    Raises:
        ConfigError: unknown name; the text lists the valid ones and the nearest.
    """
    if name not in (valid := names(kind)):
        raise unknown_name(_SINGULAR.get(kind, kind), name, valid)
    return config_files(kind, config_root()).get(name, config_root() / kind / f"{name}.yaml")


def entry(kind: str, name: str) -> dict[str, Any]:
    """One entry as plain data, checked against its model where `kind` has one, which fills in what is left out."""
    if kind == "policies":
        return policy_entry(name, config_files(kind, config_root())).model_dump(mode="json")
    path = path_of(kind, name)
    text = read_config(path, _SINGULAR.get(kind, kind))
    model = pkgutil.resolve_name(MODELS[kind]) if kind in MODELS else None
    defaults = load_yaml(text, model, str(path)).model_dump(mode="json") if model is not None else {}
    return {**defaults, **load_mapping(text, str(path))}
