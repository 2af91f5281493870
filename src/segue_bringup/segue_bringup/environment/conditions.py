"""What the caller's environment may say, judged before anything is started: one list for `doctor` and all commands.

Every condition looks at one variable or place and is cheap; None means that there is nothing to say.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from segue_bringup.environment import host
from segue_bringup.environment import render as rendering
from segue_bringup.environment import render_conditions as render
from segue_bringup.environment import ros_conditions as ros
from segue_bringup.environment.checks import Check
from segue_bringup.environment.errors import EnvironmentProblem
from segue_bringup.environment.variables import remembered_backend
from segue_bringup.environment.workspace import Workspace

Condition = Callable[[Mapping[str, str]], Check | None]

GRAPH_COMMANDS = frozenset({"run", "record", "replay", "move", "serve", "gazebo", "soak"})
PICTURE_COMMANDS = frozenset(
    {"run", "record", "replay", "eval", "data", "compare", "corrections", "finetune", "soak", "learn"}
)
RECORDING_MB = 500  # segue_core.disk_room.RECORDING_MB, not importable yet
UNRECORDED_MB = 100  # logs and configuration, with air


def _temporary(_: Mapping[str, str]) -> Check | None:
    try:
        with tempfile.TemporaryFile():
            return None
    except OSError as error:
        cure = "make the folder that TMPDIR names, free space there, or set TMPDIR to another one"
        return Check(
            "temporary files", "missing", f"no folder for temporary files can be written: {error}", cure
        )


def _temporary_named(environment: Mapping[str, str]) -> Check | None:
    named = environment.get("TMPDIR")
    if not named or Path(named).is_dir():
        return None
    found = f"TMPDIR names {named}, which is no folder; {tempfile.gettempdir()} is used"
    return Check("temporary files", "warning", found, "unset TMPDIR, or make the folder")


ANYWHERE: Sequence[Condition] = (
    _temporary,
    _temporary_named,
    render.platform,
    render.library,
    render.display,
)
GRAPH: Sequence[Condition] = (
    ros.middleware,
    ros.asserted_middleware,
    ros.discovery_range,
    ros.localhost_only,
    ros.security,
    ros.peers,
    ros.dds_profile,
    ros.shared_memory,
    ros.log_folder,
)


def examine(environment: Mapping[str, str], conditions: Sequence[Condition]) -> list[Check]:
    """What is not as it should be."""
    return [check for condition in conditions if (check := condition(environment)) is not None]


def room(folder: Path, needed_mb: int = RECORDING_MB) -> Check | None:
    """Whether a run, by default with its recording, can be written to `folder`, or to what it will be made in."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free / 1e6
    if free >= needed_mb:
        return None
    found = f"{int(free)} MB are free at {there}, and a run needs {needed_mb} MB"
    return Check("room", "missing", found, "free some space, or name another disk: --out FOLDER")


def refuse(checks: Sequence[Check]) -> None:
    """Say the warnings on standard error, and stop at what makes it impossible.

    Raises:
        EnvironmentProblem: a check is "missing"; the text is that of `segue doctor`.
    """
    for check in checks:
        if check.status == "warning":
            print(f"note: {check.found}\n  What to do: {check.cure}", file=sys.stderr)
    missing = [check for check in checks if check.status == "missing"]
    if missing:
        raise EnvironmentProblem(
            "; ".join(check.found for check in missing), "\n              ".join(c.cure for c in missing)
        )


def renders(environment: Mapping[str, str], python: Path) -> Check | None:
    """Whether a picture comes out, tried in a process of its own."""
    backend = environment.get("MUJOCO_GL", "")
    reason = rendering.why_not(python, backend, environment)
    if not reason:
        return None
    cure = (
        f"unset MUJOCO_GL if you set it; else {host.apt(host.APT_RENDER)}, then rm .venv/segue/render.stamp"
    )
    return Check(
        "OpenGL", "missing", f"MUJOCO_GL={backend} does not render: {reason}", f"{cure} && ./segue setup"
    )


def refuse_for(command: str, environment: Mapping[str, str], workspace: Workspace) -> None:
    """Refuse what makes a command of `segue` impossible; see `refuse`.

    Whether a back end renders that somebody chose is tried; that of set-up was.
    """
    graph = GRAPH if command in GRAPH_COMMANDS else ()
    refuse(examine(environment, (*ANYWHERE, *graph)))
    chosen = environment.get("MUJOCO_GL", "")
    if command in PICTURE_COMMANDS and chosen and chosen != remembered_backend(workspace):
        found = renders(environment, Path(sys.executable))
        refuse([found] if found else [])


def fill_in(environment: Mapping[str, str], workspace: Workspace) -> dict[str, str]:
    """Settings to add where the system has none that work: a place for ROS 2's logs where HOME has none."""
    chosen = environment.get("ROS_LOG_DIR") or environment.get("ROS_HOME")
    if chosen or ros.log_folder(environment) is None:
        return {}
    own = (workspace.root / "log" / "ros", Path(tempfile.gettempdir()) / f"segue-{os.getuid()}" / "log")
    return {"ROS_LOG_DIR": str(next((f for f in own if not ros.why_not_writable(f)), own[0]))}
