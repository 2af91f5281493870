"""Finding a real ROS 2 install that the user has sourced."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from segue_bringup.environment.errors import EnvironmentProblem
from segue_bringup.environment.workspace import Workspace

SUPPORTED = ("kilted", "jazzy")
CHOICES = ("auto", "system", "wheels")  # values of SEGUE_ROS
WHEELS_DISTRO = "kilted"
_SCRUBBED = ("AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH", "COLCON_PREFIX_PATH", "LD_LIBRARY_PATH", "PYTHONPATH")


@dataclass(frozen=True)
class Ros:
    """Where ROS 2 comes from: a sourced install (`prefix`) or wheels in the virtual environment (None)."""

    distro: str
    prefix: Path | None = None

    @property
    def is_system(self) -> bool:
        """True for a sourced install."""
        return self.prefix is not None

    def describe(self) -> str:
        """One phrase for people."""
        return f"ROS 2 {self.distro} in {self.prefix}" if self.prefix else f"ROS 2 {self.distro} from wheels"


def sourced_prefix(workspace: Workspace, environment: Mapping[str, str]) -> Path | None:
    """The prefix outside this workspace that brings rclpy, or None."""
    for entry in environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        prefix = Path(entry)
        index = prefix / "share" / "ament_index" / "resource_index" / "packages" / "rclpy"
        if entry and not prefix.is_relative_to(workspace.root) and index.is_file():
            return prefix
    return None


def find_ros(workspace: Workspace, environment: Mapping[str, str]) -> Ros:
    """Which ROS 2 to use. SEGUE_ROS=wheels ignores a sourced one, SEGUE_ROS=system insists on it.

    Raises:
        EnvironmentProblem: the sourced distribution is not supported, or asked for and not there.
    """
    choice = environment.get("SEGUE_ROS", "auto")
    if choice not in CHOICES:
        raise EnvironmentProblem(f"SEGUE_ROS is {choice!r}", f"set it to one of: {', '.join(CHOICES)}")
    prefix = None if choice == "wheels" else sourced_prefix(workspace, environment)
    if prefix is None:
        if choice == "system":
            raise EnvironmentProblem(
                "no ROS 2 is sourced", "source /opt/ros/kilted/setup.bash, or unset SEGUE_ROS"
            )
        return Ros(WHEELS_DISTRO)
    distro = environment.get("ROS_DISTRO", "unknown")
    if distro not in SUPPORTED:
        raise EnvironmentProblem(
            f"ROS 2 {distro} is sourced ({prefix}), and Segue supports {' and '.join(SUPPORTED)}",
            "source one of those, or set SEGUE_ROS=wheels to use ROS 2 Kilted from wheels",
        )
    return Ros(distro, prefix)


def require_importable(ros: Ros) -> None:
    """Check that the running Python can import a sourced ROS 2's rclpy.

    Raises:
        EnvironmentProblem: it cannot, usually because another Python comes first on PATH.
    """
    if not ros.is_system:
        return
    probe = subprocess.run(
        [sys.executable, "-c", "import rclpy"], capture_output=True, text=True, check=False
    )
    if probe.returncode != 0:
        reason = probe.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise EnvironmentProblem(
            f"{ros.describe()} is sourced, but {sys.executable} cannot import rclpy: {reason[0]}",
            "put the system's python3 first on PATH (or set SEGUE_PYTHON=/usr/bin/python3), or set SEGUE_ROS=wheels",
        )


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """A copy without what a sourced ROS 2 or another wheels environment leaves behind.

    LD_LIBRARY_PATH and _ROS_WHEELS_BOOTSTRAP_COMPLETE go together: with one of them alone rclpy does not load.
    """
    dropped = (*_SCRUBBED, "_ROS_WHEELS_BOOTSTRAP_COMPLETE", "PYTHONHOME", "ROS_PACKAGE_PATH")
    return {name: value for name, value in environment.items() if name not in dropped}
