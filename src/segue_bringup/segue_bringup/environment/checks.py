"""What is there and what is missing: one `Check` per thing, shared by set-up and `segue doctor`."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from segue_bringup.environment import host
from segue_bringup.environment.errors import EnvironmentProblem
from segue_bringup.environment.ros import Ros, find_ros, require_importable
from segue_bringup.environment.workspace import Workspace
from segue_bringup.supervision import urgency

Status = Literal["ok", "pending", "warning", "missing"]


@dataclass(frozen=True)
class Check:
    """One line of the doctor.

    Args:
        name: what was looked at.
        status: ok; pending (`segue setup` will do it); warning (works, worse); missing (a person must act).
        found: what is there.
        cure: what to do; empty when ok.
        apt: Debian packages that cure it.
    """

    name: str
    status: Status
    found: str
    cure: str = ""
    apt: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """For `--json`."""
        return asdict(self)


def _judge(good: bool, name: str, found: str, cure: str, apt: tuple[str, ...] = ()) -> Check:
    return Check(name, "ok", found) if good else Check(name, "missing", found, cure, apt)


def machine_checks(workspace: Workspace, environment: Mapping[str, str] = os.environ) -> list[Check]:
    """What set-up needs from the machine, whether or not it ran already."""
    return [
        _platform(),
        _python(),
        _venv_module(),
        _headers(),
        _compiler(environment),
        _disk(workspace),
        _memory(),
        _urgency(),
    ]


def ros_check(workspace: Workspace, environment: Mapping[str, str]) -> tuple[Check, Ros | None]:
    """Which ROS 2 will be used; None when the sourced one cannot be."""
    try:
        ros = find_ros(workspace, environment)
        require_importable(ros)
    except EnvironmentProblem as problem:
        return Check("ROS 2", "missing", problem.text, problem.cure), None
    return Check("ROS 2", "ok", ros.describe()), ros


def require(checks: list[Check]) -> None:
    """Stop set-up with everything that is missing at once, and one command line for all Debian packages.

    Raises:
        EnvironmentProblem: at least one check is "missing".
    """
    missing = [check for check in checks if check.status == "missing"]
    if not missing:
        return
    packages = tuple(name for check in missing for name in check.apt)
    cures = [check.cure for check in missing if not check.apt]
    cures += [f"on Debian or Ubuntu: {host.apt(packages)}"] if packages else []
    told = "; ".join(f"{check.name}: {check.found}" for check in missing)
    raise EnvironmentProblem(told, "\n              ".join(cures))


def _platform() -> Check:
    found = f"{os.uname().sysname} {os.uname().machine}"
    cure = "use Linux on x86_64, or a sourced ROS 2 install (the ROS 2 wheels exist for nothing else)"
    return _judge(host.is_supported_platform(), "platform", found, cure)


def _python() -> Check:
    low, high = (".".join(map(str, version)) for version in host.PYTHON_VERSIONS)
    cure = f"install a Python from {low} to {high} and set SEGUE_PYTHON to it, for example SEGUE_PYTHON=python3.12"
    return _judge(host.is_supported_python(), "Python", host.python_text(), cure)


def _venv_module() -> Check:
    found = (
        "ensurepip is there"
        if host.has_ensurepip()
        else "Python without ensurepip, so `python -m venv` fails"
    )
    return _judge(host.has_ensurepip(), "venv module", found, "install python3-venv", host.APT_VENV)


def _headers() -> Check:
    there = host.has_python_headers()
    return _judge(
        there, "Python headers", "Python.h is there" if there else "no Python.h for this Python",
        "install the headers of this Python", host.APT_BUILD[1:],
    )  # fmt: skip


def _compiler(environment: Mapping[str, str]) -> Check:
    found = host.compiler(environment)
    return _judge(
        found is not None, "C++ compiler", found or "none (the ROS 2 messages are compiled)",
        "install a C++ compiler", host.APT_BUILD[:1],
    )  # fmt: skip


def _disk(workspace: Workspace) -> Check:
    free, needed = host.free_gb(workspace.root), host.DISK_NEEDED_GB
    found = f"{free:.1f} GB free at {workspace.root}"
    if free >= needed:
        return Check("disk", "ok", found)
    cure = f"free {needed - free:.1f} GB, or put the workspace on a larger disk ({needed:.0f} GB are needed)"
    is_set_up = (workspace.state / "build.stamp").exists()
    return Check("disk", "warning" if is_set_up else "missing", found, cure)


def _memory() -> Check:
    found = f"{host.memory_gb():.1f} GB, {host.usable_cores()} cores"
    if host.memory_gb() < 3.5:
        return Check("memory", "warning", found, "a run needs up to 4 GB")
    return Check("memory", "ok", found)


def _urgency() -> Check:
    name = "real-time priority"
    if urgency.allowed():
        return Check(name, "ok", "allowed: controllers of a real robot are punctual on a busy machine")
    found = "not allowed: controllers of a real robot are late on a busy machine; a simulated one waits"
    return Check(name, "warning", found, "for a real robot: docs/hardware.md, section Real-time priority")
