"""Choosing the OpenGL back end that MuJoCo can really render with on this machine."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

BACKENDS = ("egl", "osmesa")
_TIMEOUT_S = 120
_PROBE = """
import mujoco
model = mujoco.MjModel.from_xml_string(
    '<mujoco><worldbody><light pos="0 0 3"/><geom type="sphere" size="1" rgba="1 0 0 1"/></worldbody></mujoco>')
data = mujoco.MjData(model)
mujoco.mj_forward(model, data)
renderer = mujoco.Renderer(model, 48, 64)
renderer.update_scene(data)
assert renderer.render().max() > 50, "a black picture"
renderer.close()
print("rendered")
"""


def why_not(python: Path, backend: str, environment: Mapping[str, str]) -> str:
    """Render a small picture in a child process; "" when it works, otherwise the reason that it does not."""
    child = {**environment, "MUJOCO_GL": backend}
    child.pop("PYOPENGL_PLATFORM", None)
    try:
        done = subprocess.run(
            [str(python), "-c", _PROBE],
            env=child,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {_TIMEOUT_S} s"
    if "rendered" in done.stdout:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if "Error" in line]
    return lines[0] if lines else f"exit status {done.returncode}"


def first_working(python: Path, environment: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The first back end that renders ("" for none), and the reasons of those tried before it.

    MUJOCO_GL in the environment is tried first.
    """
    wanted = environment.get("MUJOCO_GL", "")
    reasons: dict[str, str] = {}
    for backend in dict.fromkeys([wanted, *BACKENDS] if wanted else BACKENDS):
        reason = why_not(python, backend, environment)
        if not reason:
            return backend, reasons
        reasons[backend] = reason
    return "", reasons


def link_bundled_library(site_packages: Path) -> Path | None:
    """Give the OSMesa library of the fallback wheel the name that is looked for; None when it is not installed."""
    for library in sorted(site_packages.glob("*osmesa.libs/libOSMesa-*.so*")):
        link = library.with_name("libOSMesa.so")
        link.unlink(missing_ok=True)
        link.symlink_to(library.name)
        return link
    return None
