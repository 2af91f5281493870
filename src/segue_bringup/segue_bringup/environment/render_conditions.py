"""Conditions of rendering: what MUJOCO_GL and its companions may say."""

from collections.abc import Mapping
from ctypes.util import find_library
from pathlib import Path

from segue_bringup.environment import host
from segue_bringup.environment.checks import Check

_NAME = "OpenGL"
_PLATFORMS = ("egl", "osmesa", "glfw")
_OFF = ("0", "off", "false", "no", "disable", "disabled", "none")  # MuJoCo's words for no rendering at all
_CURE = "unset MUJOCO_GL: Segue takes what works on this machine"


def platform(environment: Mapping[str, str]) -> Check | None:
    """MUJOCO_GL names a back end, the one that PyOpenGL was told."""
    wanted = environment.get("MUJOCO_GL", "").strip().lower()
    if wanted in _OFF:
        return Check(_NAME, "missing", f"MUJOCO_GL={wanted} turns rendering off, and cameras need it", _CURE)
    if wanted and wanted not in _PLATFORMS:
        found = f"MUJOCO_GL is {wanted!r}; allowed: {', '.join(_PLATFORMS)}"
        return Check(_NAME, "missing", found, _CURE)
    other = environment.get("PYOPENGL_PLATFORM", "").strip().lower()
    if other and wanted in ("egl", "osmesa") and other != wanted:
        found = f"PYOPENGL_PLATFORM is {other}, and MUJOCO_GL is {wanted}"
        return Check(_NAME, "missing", found, "unset PYOPENGL_PLATFORM")
    return None


def library(environment: Mapping[str, str]) -> Check | None:
    """The back end's library is installed."""
    wanted = environment.get("MUJOCO_GL", "").strip().lower()
    if wanted == "osmesa" and not (find_library("OSMesa") or _bundled(environment)):
        return Check(_NAME, "missing", "MUJOCO_GL=osmesa, and the OSMesa library is not installed", _CURE)
    if wanted == "egl" and not find_library("EGL"):
        found = "MUJOCO_GL=egl, and the EGL library is not installed"
        return Check(_NAME, "missing", found, host.apt(host.APT_RENDER))
    return None


def display(environment: Mapping[str, str]) -> Check | None:
    """A back end that draws in windows has a display."""
    if environment.get("MUJOCO_GL", "").strip().lower() != "glfw":
        return None
    if environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"):
        return None
    found = "MUJOCO_GL=glfw needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set"
    return Check(_NAME, "missing", found, _CURE)


def _bundled(environment: Mapping[str, str]) -> bool:
    """Whether set-up took the library from a wheel."""
    folders = environment.get("LD_LIBRARY_PATH", "").split(":")
    return any((Path(folder) / "libOSMesa.so").exists() for folder in folders if folder)
