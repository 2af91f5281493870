"""Gazebo's own physics for the tests: `settle.cpp` is built against Debian's packages, run, and its report is read."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from segue_core.arrays import Floats

SOURCE = Path(__file__).parent / "gazebo_engine" / "settle.cpp"
_PACKAGES = (
    "ignition-physics5",
    "ignition-physics5-sdf",
    "ignition-physics5-mesh",
    "ignition-plugin1-loader",
    "ignition-common4-graphics",
    "ignition-math6-eigen3",
    "sdformat12",
)
_PLUGIN = "ign-physics-5/engine-plugins/libignition-physics5-dartsim-plugin.so"


@dataclass(frozen=True)
class Settled:
    """Where Gazebo has everything: joints [rad or m], links by model and name as position (3,) [m], quaternion (4,)."""

    joints: dict[str, float] = field(default_factory=dict)
    links: dict[tuple[str, str], Floats] = field(default_factory=dict)  # (7,)


def missing() -> str | None:
    """What is not here of what the program needs; None when it can be built."""
    for program in ("g++", "pkg-config"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    for package in _PACKAGES:
        if subprocess.run(["pkg-config", "--exists", package], check=False).returncode:
            return f"{package} is not installed: the Debian 12 packages that docs/gazebo.md names"
    return None if _plugin().exists() else "libignition-physics5-dartsim-plugin5 is not installed"


def build(folder: Path) -> Path:
    """The program, compiled into `folder`."""
    program = folder / "settle"
    flags = _ask("--cflags", "--libs", *_PACKAGES).split()
    engine = f'-DDARTSIM="{_plugin()}"'
    command = ["g++", "-std=c++17", "-w", engine, str(SOURCE), "-o", str(program), *flags]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return program


def settle(
    program: Path, step_s: float, seconds: float, files: list[Path], **wishes: dict[str, float]
) -> Settled:
    """Step `files` (a world, then models) and read the report. `wishes`: hold, start, push, each by joint."""
    words = [f"{verb}:{name}={value:.9g}" for verb, by in wishes.items() for name, value in by.items()]
    command = [str(program), f"{step_s:.12g}", f"{seconds:g}", *map(str, files), *words]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert told.returncode == 0, told.stderr
    result = Settled()
    for kind, model, name, *values in map(str.split, told.stdout.splitlines()):
        if kind == "joint":
            result.joints[name] = float(values[0])
        else:
            result.links[model, name] = np.array(values, dtype=np.float64)
    return result


def _ask(*words: str) -> str:
    return subprocess.run(["pkg-config", *words], check=True, capture_output=True, text=True).stdout.strip()


def _plugin() -> Path:
    return Path(_ask("--variable=libdir", "ignition-physics5")) / _PLUGIN
