"""The index of commands made anew, by a process that may import what they import: at the first Tab after a change."""

import os
import zlib
from collections.abc import Mapping, Sequence

from segue_bringup.environment.words import index as indices
from segue_bringup.environment.words.installed import METHODS, entry_names
from segue_bringup.environment.workspace import Workspace


def refreshed(workspace: Workspace) -> indices.Index | None:
    """The index, made anew in the set-up workspace; None before set-up."""
    users = ("PYTHONPATH", "SEGUE_CONFIG")  # what the user adds is read at every Tab, and may be broken
    plain = {name: value for name, value in os.environ.items() if not name.startswith(users)}
    made = _made(workspace, [str(workspace.state / indices.FILE)], plain)
    return indices.load(workspace) if made else None


def settings_of_installed(
    workspace: Workspace, command: str, words: Sequence[str]
) -> list[indices.Setting] | None:
    """What `segue train` takes for the method of another package among the words; None where there is none.

    They are kept until a file of the package changes, one list for each PYTHONPATH.
    """
    if command != "segue train":
        return None
    named = indices.methods_named(workspace, words)
    name = next(iter(sorted(entry_names(workspace, METHODS).intersection(named))), "")
    if not name.isidentifier():
        return None
    kept = workspace.state / f"method-{name}-{zlib.crc32(os.environ.get('PYTHONPATH', '').encode()):08x}.json"
    settings = indices.kept_settings(kept)
    if settings is None and _made(workspace, [str(kept), name], os.environ):
        settings = indices.kept_settings(kept)
    return settings


def _made(workspace: Workspace, arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    import subprocess

    from segue_bringup.environment.ros import find_ros
    from segue_bringup.environment.variables import run_environment

    if not workspace.python.exists():
        return False
    child = run_environment(workspace, find_ros(workspace, os.environ), environment)
    command = [str(workspace.python), "-m", "segue_bringup.command_index", *arguments]
    done = subprocess.run(command, env=child, cwd=workspace.root, capture_output=True, check=False)
    return done.returncode == 0
