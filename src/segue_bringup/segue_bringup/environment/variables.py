"""The environment of every child process: ROS 2, the workspace, rendering and DDS defaults."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from segue_bringup.environment.caller_overlays import own_paths, with_own_paths
from segue_bringup.environment.host import usable_cores
from segue_bringup.environment.ros import Ros, scrubbed
from segue_bringup.environment.wheels import library_folders
from segue_bringup.environment.workspace import Workspace

_CAPTURED = ("AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH", "COLCON_PREFIX_PATH", "LD_LIBRARY_PATH", "PYTHONPATH")
_PROFILE = "FASTDDS_DEFAULT_PROFILES_FILE"
_RENDER_FILE = "render.json"
_OVERLAY_FILE = "overlay.json"


def base_environment(workspace: Workspace, ros: Ros, environment: Mapping[str, str]) -> dict[str, str]:
    """What pip and colcon run with: the virtual environment first, and ROS 2 either sourced or from wheels."""
    child = dict(environment) if ros.is_system else scrubbed(environment)
    child["VIRTUAL_ENV"] = str(workspace.venv)
    child["PATH"] = f"{workspace.venv / 'bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"
    child["PYTHONUNBUFFERED"] = "1"
    child["PYTHONNOUSERSITE"] = "1"
    if not ros.is_system:
        _add_wheels(child, workspace, ros)
    return child


def run_environment(workspace: Workspace, ros: Ros, environment: Mapping[str, str]) -> dict[str, str]:
    """What nodes, tools and tests run with. What the user has set of the defaults below is kept."""
    child = base_environment(workspace, ros, environment)
    child.update(_overlay(workspace, ros, child))
    if not ros.is_system:  # a sourced one has them already
        child = with_own_paths(child, own_paths(workspace, environment))
    child["SEGUE_ROOT"] = str(workspace.root)
    if not child.get("MUJOCO_GL"):  # set and empty is what MuJoCo cannot work with
        child["MUJOCO_GL"] = remembered_backend(workspace)
    child.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    given = child.get(_PROFILE, "")
    if (
        not given or Path(given).parent == workspace.dds_profiles
    ):  # or ours, from a shell that has since been told more
        child[_PROFILE] = str(workspace.dds_profiles / profile_name(child))
    child.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // 2)))
    return child


def profile_name(environment: Mapping[str, str]) -> str:
    """The Fast DDS profile: one that other machines cannot reach, unless the variables of discovery name others."""
    alone = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST") in ("LOCALHOST", "OFF")
    return "this_machine.xml" if alone and not environment.get("ROS_STATIC_PEERS") else "large_images.xml"


def remembered_backend(workspace: Workspace) -> str:
    """The OpenGL back end that set-up found to work; "egl" before set-up."""
    try:
        return str(json.loads((workspace.state / _RENDER_FILE).read_text())["MUJOCO_GL"])
    except (OSError, ValueError, KeyError, TypeError):
        return "egl"


def remember_backend(workspace: Workspace, backend: str) -> None:
    """Store the OpenGL back end for `run_environment`."""
    (workspace.state / _RENDER_FILE).write_text(json.dumps({"MUJOCO_GL": backend}) + "\n")


def remember_overlay(workspace: Workspace, child: Mapping[str, str]) -> None:
    """Store what sourcing the built workspace adds, so that commands start without a shell."""
    (workspace.state / _OVERLAY_FILE).write_text(json.dumps(_source(workspace, child), indent=1) + "\n")


def _add_wheels(child: dict[str, str], workspace: Workspace, ros: Ros) -> None:
    libraries = library_folders(workspace.venv, workspace.site_packages)
    child.update({
        "ROS_DISTRO": ros.distro, "ROS_VERSION": "2", "ROS_PYTHON_VERSION": "3",
        "RMW_IMPLEMENTATION": child.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp"),
        "AMENT_PREFIX_PATH": str(workspace.venv), "CMAKE_PREFIX_PATH": str(workspace.venv),
        # The wheels start Python a second time to set LD_LIBRARY_PATH unless both of these are there.
        "LD_LIBRARY_PATH": os.pathsep.join(str(folder) for folder in libraries),
        "_ROS_WHEELS_BOOTSTRAP_COMPLETE": "1",
    })  # fmt: skip


def _overlay(workspace: Workspace, ros: Ros, child: Mapping[str, str]) -> dict[str, str]:
    if ros.is_system:  # what is sourced may change from shell to shell
        return _source(workspace, child)
    try:
        stored = json.loads((workspace.state / _OVERLAY_FILE).read_text())
        return {str(name): str(value) for name, value in stored.items()}
    except (OSError, ValueError, AttributeError):
        return _source(workspace, child)


def _source(workspace: Workspace, child: Mapping[str, str]) -> dict[str, str]:
    setup = workspace.install / "local_setup.bash"
    if not setup.is_file():
        return {}
    command = ["bash", "--noprofile", "--norc", "-c", '. "$1" >/dev/null && env -0', "bash", str(setup)]
    done = subprocess.run(command, env=dict(child), capture_output=True, text=True, check=True)
    pairs = (entry.partition("=") for entry in done.stdout.split("\0"))
    return {name: _without_gaps(value) for name, _, value in pairs if name in _CAPTURED}


def _without_gaps(path_list: str) -> str:
    """An empty entry would mean the current folder."""
    return os.pathsep.join(entry for entry in path_list.split(os.pathsep) if entry)


def sourcing_lines(workspace: Workspace) -> list[str]:
    """Shell lines that give an interactive shell the same environment."""
    activate: Path = workspace.venv / "bin" / "activate"
    return [f". '{activate}'", f". '{workspace.install / 'setup.bash'}'"]
