"""Reads a URDF as MuJoCo does, with meshes where the file says they are.

MuJoCo alone takes every mesh from the URDF's own folder, drops what is only seen and merges links that do not move.
"""

import re
from itertools import count
from pathlib import Path

import mujoco

from segue_core.files import read_text

_MESH = re.compile(r"""(filename\s*=\s*)(["'])(.*?)\2""")
_SHAPE = re.compile(r"<(visual|collision)\b(?![^>]*\bname\s*=)")
_ROBOT = re.compile(r"<robot\b[^>]*>")
_SETTINGS = '<mujoco><compiler fusestatic="false" strippath="false" discardvisual="{drop}"/></mujoco>'
_SEEN_GROUP, _HIDDEN_GROUP = 2, 3  # cameras show groups 0 to 2


def read_urdf(path: Path, detailed: bool) -> mujoco.MjSpec:
    """The description in a URDF file; `detailed`: with what it has for eyes, else collision shapes alone.

    Raises:
        ValueError: it cannot be read; the text says why.
    """
    text = _MESH.sub(lambda found: f"{found[1]}{found[2]}{_mesh(path, found[3])}{found[2]}", read_text(path))
    text = _with_names(text)
    settings = _SETTINGS.format(drop="false" if detailed else "true")
    text, robots = _ROBOT.subn(lambda found: found[0] + settings, text, count=1)
    if not robots:
        raise ValueError("no <robot> in it (is it xacro? write it out first: xacro FILE > arm.urdf)")
    spec = mujoco.MjSpec.from_string(text)
    for body in spec.bodies:
        _hide_hulls(body)
    return spec


def _with_names(text: str) -> str:
    """Every shape has a name of its own: MuJoCo warns of those that share the name of nothing."""
    number = count(1)
    return _SHAPE.sub(lambda found: f'{found[0]} name="{found[1]}_{next(number)}"', text)


def _mesh(urdf: Path, name: str) -> str:
    """Absolute path of a mesh: from the URDF's folder, or in the package (a folder above it) that the URI names."""
    scheme, colon, rest = name.partition("://")
    if not colon:
        return str(urdf.parent / name)
    if scheme == "file":
        return rest
    package, _, inside = rest.partition("/")
    for folder in urdf.resolve().parents:
        if (folder / package / inside).is_file():
            return str(folder / package / inside)
    raise ValueError(f"mesh '{name}': no folder '{package}' with '{inside}' in it is above the file")


def _hide_hulls(body: mujoco.MjsBody) -> None:
    seen = [geom for geom in body.geoms if not geom.contype and not geom.conaffinity]
    for geom in body.geoms:
        geom.group = _HIDDEN_GROUP if seen and geom not in seen else _SEEN_GROUP
