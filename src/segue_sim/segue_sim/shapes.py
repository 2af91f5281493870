"""Shapes of the task contract as geoms of a MuJoCo description."""

import mujoco
import numpy as np

from segue_control.robot import rotation_wxyz
from segue_core.contracts.shape import Marker, Shape

_KINDS = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
}
_FACETS = 12
_SEEN, _HIDDEN = 2, 3  # groups; cameras draw the first only
_TORSIONAL, _ROLLING = 0.02, 0.002  # friction; the last stops a ball that was put down
_OWN = ":own"


def seeds_colour(model: mujoco.MjModel, body: int) -> list[int]:
    """Geoms of a body that have no colour of their own, hence get the seed's."""
    geoms = np.flatnonzero(model.geom_bodyid == body)
    return [int(geom) for geom in geoms if _OWN not in model.geom(geom).name]


def add_shape(body: mujoco.MjsBody, shape: Shape, number: int) -> None:
    """Add a shape to `body`; `number` tells its shapes apart."""
    if shape.kind == "tube":
        _add_tube(body, shape, number)
        return
    geom = _add_geom(body, shape, _KINDS[shape.kind], shape.mass_kg, f"{number}")
    geom.size = (*shape.size, *(0.0,) * (3 - len(shape.size)))
    geom.pos, geom.quat = shape.at, rotation_wxyz.from_rotation_vector(shape.turn_rad)


def _add_geom(
    body: mujoco.MjsBody, shape: Shape, kind: mujoco.mjtGeom, mass: float, label: str
) -> mujoco.MjsGeom:
    geom = body.add_geom()
    geom.type, geom.mass = kind, mass
    geom.name = f"{body.name}:{label}" + (_OWN if shape.colour is not None else "")
    geom.rgba = (*(shape.colour or (0.7, 0.7, 0.7)), shape.opacity)
    geom.group = _SEEN if shape.visible else _HIDDEN
    geom.condim, geom.friction, geom.solref = 6, (shape.friction, _TORSIONAL, _ROLLING), (0.008, 1.0)
    if not shape.solid:
        geom.contype = geom.conaffinity = 0
    return geom


def _add_tube(body: mujoco.MjsBody, shape: Shape, number: int) -> None:
    """Facet i stands where the tube's x axis plus i times 30 degrees points."""
    inner, half, wall = shape.size
    turn = rotation_wxyz.from_rotation_vector(shape.turn_rad)
    radius = inner + wall / 2
    for facet in range(_FACETS):
        angle = 2 * np.pi * facet / _FACETS
        geom = _add_geom(body, shape, _KINDS["box"], shape.mass_kg / _FACETS, f"{number}.{facet}")
        geom.size = (wall / 2, (inner + wall) * np.tan(np.pi / _FACETS), half)
        spot = np.zeros(3)
        mujoco.mju_rotVecQuat(
            spot, np.array([radius * np.cos(angle), radius * np.sin(angle), 0.0]), np.array(turn)
        )
        geom.pos = np.add(shape.at, spot)
        geom.quat = rotation_wxyz.multiply(turn, rotation_wxyz.from_rotation_vector((0.0, 0.0, angle)))


def add_marker(body: mujoco.MjsBody, name: str, marker: Marker) -> None:
    """Add a named place that no camera draws."""
    site = body.add_site()
    site.name, site.pos, site.group = name, marker.at, 5
    site.quat = rotation_wxyz.from_rotation_vector(marker.turn_rad)
    site.size = (0.003, 0.003, 0.003)
