"""What the caller has added for programs to find: packages of their own, and sourced overlays.

An entry that belongs to this workspace is not the caller's, and one that brings a ROS 2 of its own would be mixed with
ours: both are left out.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from segue_bringup.environment.workspace import Workspace

_ROS = ("rclpy", "share/ament_index/resource_index/packages/rclpy")
_OURS = ("src", "build", "install", ".venv")


def own_paths(workspace: Workspace, environment: Mapping[str, str]) -> dict[str, list[str]]:
    """The caller's entries of PYTHONPATH and AMENT_PREFIX_PATH, and of LD_LIBRARY_PATH those below a kept prefix."""
    python, prefixes = (
        [entry for entry in _entries(environment, name) if _is_own(workspace, Path(entry))]
        for name in ("PYTHONPATH", "AMENT_PREFIX_PATH")
    )
    libraries = [
        entry
        for entry in _entries(environment, "LD_LIBRARY_PATH")
        if any(Path(entry).is_relative_to(prefix) for prefix in prefixes)
    ]
    return {"PYTHONPATH": python, "AMENT_PREFIX_PATH": prefixes, "LD_LIBRARY_PATH": libraries}


def with_own_paths(child: Mapping[str, str], own: Mapping[str, list[str]]) -> dict[str, str]:
    """`child` with the caller's entries behind those that are there."""
    joined = {name: [*_entries(child, name), *entries] for name, entries in own.items() if entries}
    return {**child, **{name: os.pathsep.join(dict.fromkeys(entries)) for name, entries in joined.items()}}


def _entries(environment: Mapping[str, str], name: str) -> list[str]:
    return [entry for entry in environment.get(name, "").split(os.pathsep) if entry]


def _is_own(workspace: Workspace, path: Path) -> bool:
    ours = any(path.is_relative_to(workspace.root / name) for name in _OURS)
    return not ours and not any((path / name).exists() for name in _ROS)
