"""What the ROS 2 wheels need after pip: two baked-in paths patched, and a local_setup that colcon can chain."""

import re
import shutil
import sysconfig
from pathlib import Path

# Both are paths of the machine that built the wheels; CMake exports of every message package name them.
_BAKED_NUMPY = re.compile(
    r"/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages/numpy/(?:_core|core)/include"
)
_BAKED_PYTHON = re.compile(r"/opt/python/cp\d+-cp\d+/include/python3\.\d+")

_LOCAL_SETUP = """\
# Made by `segue setup`. Puts ROS 2 from wheels, its Python and the workspace's defaults into the environment.
_segue_venv="{venv}"
export ROS_DISTRO={distro} ROS_VERSION=2 ROS_PYTHON_VERSION=3
case ":${{PATH}}:" in *":$_segue_venv/bin:"*) ;; *) export PATH="$_segue_venv/bin:$PATH" ;; esac
case ":${{AMENT_PREFIX_PATH:-}}:" in
  *":$_segue_venv:"*) ;; *) export AMENT_PREFIX_PATH="$_segue_venv${{AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}}" ;;
esac
case ":${{CMAKE_PREFIX_PATH:-}}:" in
  *":$_segue_venv:"*) ;; *) export CMAKE_PREFIX_PATH="$_segue_venv${{CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}}" ;;
esac
export ROS_AUTOMATIC_DISCOVERY_RANGE="${{ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}}"
case "$ROS_AUTOMATIC_DISCOVERY_RANGE${{ROS_STATIC_PEERS:+ peers}}" in  # deaf to the network, unless others are named
  LOCALHOST|OFF) _segue_profile=this_machine ;;
  *) _segue_profile=large_images ;;
esac
case "${{FASTDDS_DEFAULT_PROFILES_FILE:-}}" in
  ""|{profiles}/*) export FASTDDS_DEFAULT_PROFILES_FILE="{profiles}/$_segue_profile.xml" ;;
esac
unset _segue_venv _segue_profile
"""


def patch_cmake_exports(venv: Path, numpy_include: Path) -> int:
    """Replace the baked-in paths below `venv`/share; return how many files changed. Safe to repeat."""
    changed = 0
    for file in sorted((venv / "share").rglob("*.cmake")):
        text = file.read_text()
        patched = _BAKED_NUMPY.sub(str(numpy_include), text)
        patched = _BAKED_PYTHON.sub(sysconfig.get_path("include"), patched)
        if patched != text:
            file.write_text(patched)
            changed += 1
    return changed


def write_local_setup(venv: Path, distro: str, dds_profiles: Path) -> None:
    """Write local_setup.{sh,bash,zsh}; colcon's own setup files source them first."""
    text = _LOCAL_SETUP.format(venv=venv, distro=distro, profiles=dds_profiles)
    for shell in ("sh", "bash", "zsh"):
        (venv / f"local_setup.{shell}").write_text(text)


def library_folders(venv: Path, site_packages: Path) -> list[Path]:
    """Folders with the wheels' shared libraries, for LD_LIBRARY_PATH."""
    return [venv / "lib", *sorted(site_packages.glob("ros_*.libs"))]


def remove_half_installed(site_packages: Path) -> list[str]:
    """Drop the metadata of packages that an interrupted pip left incomplete, so that pip installs them again.

    pip writes RECORD last: a .dist-info without it, or whose files are missing, is not a whole package.
    """
    removed = []
    for info in sorted(site_packages.glob("*.dist-info")):
        if not _is_whole(info):
            shutil.rmtree(info)
            removed.append(info.name.removesuffix(".dist-info"))
    return removed


def _is_whole(info: Path) -> bool:
    record = info / "RECORD"
    if not record.is_file():
        return False
    names = (
        line.rsplit(",", 2)[0].strip('"') for line in record.read_text(errors="replace").splitlines() if line
    )
    return all((info.parent / name).exists() for name in names if not name.endswith((".pyc", ".pyo")))
