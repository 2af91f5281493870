"""`segue doctor`: what is there, what is missing, and what to do. Works before anything is set up."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from segue_bringup.environment import host, render
from segue_bringup.environment.checks import Check, machine_checks, ros_check
from segue_bringup.environment.ros import Ros
from segue_bringup.environment.setup_steps import Setup
from segue_bringup.environment.stamps import StampStore
from segue_bringup.environment.steps import pending
from segue_bringup.environment.variables import run_environment
from segue_bringup.environment.workspace import Workspace

_MARKS = {"ok": "ok     ", "pending": "to do  ", "warning": "warning", "missing": "MISSING"}
_SETUP = "./segue setup"
# One child that imports a module and prints what it found; a fresh process, as the nodes are.
_PROBES = {
    "ROS 2 in Python": "import rclpy, rclpy.node; print('rclpy from ' + rclpy.__path__[0])",
    "Segue's messages": "from segue_interfaces.action import RunTask; RunTask.Goal(); print('segue_interfaces')",
    "DDS": (
        "import rclpy; rclpy.init(); node = rclpy.create_node('segue_doctor'); node.destroy_node();"
        "rclpy.shutdown(); from rclpy.utilities import get_rmw_implementation_identifier as name; print(name())"
    ),
    "MuJoCo": "import mujoco; print('mujoco ' + mujoco.__version__)",
    "torch": "import torch; print('torch ' + torch.__version__)",
}


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
    checks += [_probe(workspace.python, name, code, child) for name, code in _PROBES.items()]
    return [*checks, _render(workspace.python, child), _settings(child)]


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
    return 1 if missing else 0


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
    backend = child["MUJOCO_GL"]
    reason = render.why_not(python, backend, child)
    if reason:
        cure = f"{host.apt(host.APT_RENDER)}, then rm .venv/segue/render.stamp && {_SETUP}"
        return Check("OpenGL", "missing", f"MUJOCO_GL={backend} does not render: {reason}", cure)
    return Check("OpenGL", "ok", f"MUJOCO_GL={backend} renders")


def _settings(child: Mapping[str, str]) -> Check:
    domain = child.get("ROS_DOMAIN_ID", "0")
    name = "ROS settings"
    if not (domain.isdecimal() and int(domain) <= 101):
        return Check(name, "missing", f"ROS_DOMAIN_ID is {domain!r}", "set it to a number from 0 to 101")
    profile = child["FASTDDS_DEFAULT_PROFILES_FILE"]
    if not Path(profile).is_file():
        cure = "unset FASTDDS_DEFAULT_PROFILES_FILE, or name an existing file"
        return Check(
            name, "missing", f"FASTDDS_DEFAULT_PROFILES_FILE names {profile}, which is not there", cure
        )
    return Check(
        name, "ok", f"domain {domain}, discovery {child['ROS_AUTOMATIC_DISCOVERY_RANGE']}, {profile}"
    )


def print_problem(problem: Exception) -> None:
    """An error, on standard error, after whatever was printed before."""
    sys.stdout.flush()
    print(f"\nsegue: {problem}", file=sys.stderr)
