"""Facts about this machine that decide whether set-up can work. Each is read when asked for."""

import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from ctypes.util import find_library
from pathlib import Path

PYTHON_VERSIONS = ((3, 10), (3, 13))  # what the ROS 2 wheels of the lock exist for
DISK_NEEDED_GB = 4.0  # virtual environment 2.3 GB, downloads, build; measured
APT_BUILD = ("g++", "libpython3-dev")
APT_VENV = ("python3-venv",)
APT_RENDER = ("libegl1", "libgl1")


def apt(packages: tuple[str, ...]) -> str:
    """The command line that installs Debian or Ubuntu packages."""
    return "sudo apt-get install -y --no-install-recommends " + " ".join(packages)


def is_supported_platform() -> bool:
    """Linux on x86_64: the wheels exist for nothing else."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


def is_supported_python() -> bool:
    """CPython within `PYTHON_VERSIONS`."""
    low, high = PYTHON_VERSIONS
    return low <= sys.version_info[:2] <= high and platform.python_implementation() == "CPython"


def python_text() -> str:
    """Version and path of the running interpreter."""
    return f"Python {platform.python_version()} ({sys.executable})"


def compiler(environment: Mapping[str, str] = os.environ) -> str | None:
    """Path of the C++ compiler that CMake would take, or None."""
    wanted = environment.get("CXX", "").split()
    for name in (*wanted[:1], "c++", "g++", "clang++"):
        found = shutil.which(name, path=environment.get("PATH"))
        if found:
            return found
    return None


def has_python_headers() -> bool:
    """Whether extension modules can be built for the running interpreter."""
    return (Path(sysconfig.get_path("include")) / "Python.h").is_file()


def has_ensurepip() -> bool:
    """Whether `python -m venv` can work; Debian splits this into python3-venv."""
    try:
        import ensurepip
    except ImportError:
        return False
    return bool(ensurepip.version())


def free_gb(folder: Path) -> float:
    """Free space at a folder, or at its nearest existing parent [GB]."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free / 1e9


def memory_gb() -> float:
    """Physical memory [GB]."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def usable_cores() -> int:
    """Processor cores that this process may run on."""
    return len(os.sched_getaffinity(0))


def render_libraries() -> list[str]:
    """OpenGL back ends whose libraries are installed: "egl", "osmesa"."""
    found = ["egl"] if find_library("EGL") and find_library("GL") else []
    return [*found, "osmesa"] if find_library("OSMesa") else found
