"""`segue doctor`: what is there, what is missing, and what to do. Works before anything is set up."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from segue_bringup.environment import conditions, host
from segue_bringup.environment.checks import Check, machine_checks, ros_check
from segue_bringup.environment.errors import EXIT_ENVIRONMENT
from segue_bringup.environment.ros import Ros
from segue_bringup.environment.ros_conditions import listens, ros_log_folder
from segue_bringup.environment.setup_steps import Setup
from segue_bringup.environment.stamps import StampStore
from segue_bringup.environment.steps import pending
from segue_bringup.environment.variables import run_environment
from segue_bringup.environment.workspace import Workspace

_MARKS = {"ok": "ok     ", "pending": "to do  ", "warning": "warning", "missing": "MISSING"}
_SETUP = "./segue setup"
_LAST_DOMAIN = 232  # ROS 2's own limit
# One child that imports a module and prints what it found; a fresh process, as the nodes are.
_ROS_PROBES = {
    "ROS 2 in Python": "import rclpy, rclpy.node; print('rclpy from ' + rclpy.__path__[0])",
    "Segue's messages": "from segue_interfaces.action import RunTask; RunTask.Goal(); print('segue_interfaces')",
    "DDS": (
        "import rclpy; rclpy.init(); node = rclpy.create_node('segue_doctor'); node.destroy_node();"
        "rclpy.shutdown(); from rclpy.utilities import get_rmw_implementation_identifier as name; print(name())"
    ),
}
_DRAWING_PROBES = {"MuJoCo": "import mujoco; print('mujoco ' + mujoco.__version__)"}
_PROBES = {"torch": "import torch; print('torch ' + torch.__version__)"}


def examine(workspace: Workspace, environment: Mapping[str, str]) -> list[Check]:
    """All checks. Those of the installed software only run when the workspace is set up."""
    checks = machine_checks(workspace, environment)
    check, ros = ros_check(workspace, environment)
    checks.append(check)
    if ros is None:
        return checks
    setup = _setup_check(workspace, ros, environment)
    checks.append(setup)
    if setup.status != "ok":
        return [*checks, _render_libraries()]
    child = run_environment(workspace, ros, environment)
    child.update(conditions.fill_in(child, workspace))
    return [*checks, *_software(workspace, child), *_places(child), lerobot(workspace, environment)]


def _software(workspace: Workspace, child: Mapping[str, str]) -> list[Check]:
    """What is installed, tried in processes of its own; what the environment makes impossible is not tried."""
    anywhere, graph = (
        conditions.examine(child, conditions.ANYWHERE),
        conditions.examine(child, conditions.GRAPH),
    )
    drawing = any(check.name == "OpenGL" for check in anywhere)
    talking = any(check.status == "missing" for check in graph)
    tried = {**({} if talking else _ROS_PROBES), **({} if drawing else _DRAWING_PROBES), **_PROBES}
    found = [_probe(workspace.python, name, code, child) for name, code in tried.items()]
    rendered = [] if drawing else [_render(workspace.python, child)]
    return [*found, *rendered, *anywhere, *graph]


def _places(child: Mapping[str, str]) -> list[Check]:
    room = conditions.room(Path("runs"))
    return [_settings(child), listens(child), *([room] if room else [])]


def lerobot(workspace: Workspace, environment: Mapping[str, str]) -> Check:
    """Which LeRobot runs beside Segue: asked of the program that will serve its checkpoints."""
    name, cure = "LeRobot", "name the Python of an environment that has it: docs/training.md"
    python = environment.get("LEROBOT_PYTHON", "")
    if not python:
        return Check(name, "ok", "LEROBOT_PYTHON names none; only policy:=lerobot needs it")
    program = workspace.root / "src/segue_policies/segue_policies/methods/lerobot/lerobot_server"
    try:
        done = subprocess.run(
            [str(Path(python).expanduser()), "-E", str(program), "--version"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(name, "warning", f"LEROBOT_PYTHON is {python}: {error}", cure)
    if done.returncode:
        return Check(name, "warning", done.stderr.strip(), cure)
    return Check(name, "ok", f"{done.stdout.strip()} of {python}")


def doctor(workspace: Workspace, environment: Mapping[str, str], json_file: Path | None) -> int:
    """Print the checks, write them to `json_file`; 0 when nothing is missing, otherwise 1."""
    checks = examine(workspace, environment)
    for check in checks:
        print(f"{_MARKS[check.status]}  {check.name}: {check.found}")
        if check.cure:
            print(f"{'':9}-> {check.cure}")
    missing = [check.name for check in checks if check.status == "missing"]
    ready = all(check.status in ("ok", "warning") for check in checks)
    print(_verdict(missing, ready))
    if json_file is not None:
        found = {
            "ok": not missing,
            "ready": ready,
            "missing": missing,
            "checks": [check.as_dict() for check in checks],
        }
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(found, indent=2) + "\n")
    return EXIT_ENVIRONMENT if missing else 0


def _verdict(missing: list[str], ready: bool) -> str:
    if missing:
        return f"Missing: {', '.join(missing)}."
    return "Ready: ./segue run" if ready else f"Nothing is missing; {_SETUP} (or any command) does the rest."


def _setup_check(workspace: Workspace, ros: Ros, environment: Mapping[str, str]) -> Check:
    todo = [
        step.title
        for step, _ in pending(Setup(workspace, ros, environment).steps(), StampStore(workspace.state))
    ]
    if todo:
        return Check("set-up", "pending", f"to do: {', '.join(todo)}", _SETUP)
    return Check("set-up", "ok", str(workspace.venv))


def _probe(python: Path, name: str, code: str, child: Mapping[str, str]) -> Check:
    try:
        done = subprocess.run(
            [str(python), "-c", code],
            env=dict(child),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except subprocess.TimeoutExpired:
        return Check(name, "missing", "no answer in 60 s", f"rm -rf .venv && {_SETUP}")
    if done.returncode == 0:
        return Check(name, "ok", done.stdout.strip())
    reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    return Check(name, "missing", reason, f"rm -rf .venv && {_SETUP}")


def _render_libraries() -> Check:
    found = host.render_libraries()
    if found:
        return Check("OpenGL", "ok", " and ".join(found))
    cure = f"set-up takes a software library from a wheel; for the system's own: {host.apt(host.APT_RENDER)}"
    return Check("OpenGL", "warning", "no EGL and no OSMesa library", cure)


def _render(python: Path, child: Mapping[str, str]) -> Check:
    return conditions.renders(child, python) or Check(
        "OpenGL", "ok", f"MUJOCO_GL={child['MUJOCO_GL']} renders"
    )


def _settings(child: Mapping[str, str]) -> Check:
    domain, name = child.get("ROS_DOMAIN_ID", "0").strip() or "0", "ROS settings"
    if not (domain.isdecimal() and int(domain) <= _LAST_DOMAIN):
        cure = f"set it to a number from 0 to {_LAST_DOMAIN}, or unset it to get a free one"
        return Check(name, "missing", f"ROS_DOMAIN_ID is {domain!r}", cure)
    profile = child.get("FASTDDS_DEFAULT_PROFILES_FILE", "")
    logs = ros_log_folder(child)
    found = f"domain {domain}, discovery {child['ROS_AUTOMATIC_DISCOVERY_RANGE']}, logs in {logs}, {profile}"
    return Check(name, "ok", found)


def print_problem(problem: Exception) -> None:
    """An error, on standard error, after whatever was printed before."""
    sys.stdout.flush()
    print(f"\nsegue: {problem}", file=sys.stderr)
