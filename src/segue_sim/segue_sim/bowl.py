"""A bowl that nests in others of its kind: a smooth shape for the cameras, flat facets for the physics.

Seen from the side; the foot of a nested bowl stands on the floor of the one below, so bowls never jam:

      \\                 /   RIM_RADIUS, HEIGHT
       \\               /
        \\             /     wall, LEAN from the vertical
         \\___________/      FLOOR_RADIUS
             |___|          foot; nested bowls stand PITCH apart
"""

import mujoco
import numpy as np
from numpy.typing import NDArray

RIM_RADIUS, FLOOR_RADIUS = 0.055, 0.032  # outer radii at the top and the bottom of the wall [m]
HEIGHT, FOOT_HEIGHT, FOOT_RADIUS = 0.048, 0.010, 0.022
WALL = 0.004  # thickness
PITCH = FOOT_HEIGHT + WALL  # height between nested bowls
LEAN = float(np.arctan2(RIM_RADIUS - FLOOR_RADIUS, HEIGHT - FOOT_HEIGHT))  # of the wall, 31 degrees
FACETS = 12
_MASS = 0.07
_FRICTION = (0.5, 0.01, 0.001)
_MESH = "bowl"
_HIDDEN_GROUP = 3


def _profile() -> NDArray[np.float64]:
    """Corners (n, 2) of the wall's section as radius and height: up the outside, down the inside."""
    inner_floor = FOOT_HEIGHT + WALL
    return np.array(
        [
            (0.0, 0.0),
            (FOOT_RADIUS, 0.0),
            (FOOT_RADIUS, FOOT_HEIGHT),
            (FLOOR_RADIUS, FOOT_HEIGHT),
            (RIM_RADIUS, HEIGHT),
            (RIM_RADIUS - WALL, HEIGHT),
            (FLOOR_RADIUS - WALL / 2, inner_floor),
            (0.0, inner_floor),
        ]
    )


def _add_shape(spec: mujoco.MjSpec, sectors: int = 24) -> None:
    """The turned shape as a mesh, once per world: it is seen, not felt."""
    if any(mesh.name == _MESH for mesh in spec.meshes):
        return
    profile = _profile()
    angles = np.arange(sectors) * 2 * np.pi / sectors
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    vertices = np.concatenate([np.column_stack([ring * r, np.full(sectors, z)]) for r, z in profile])
    here = np.arange(sectors)
    there = (here + 1) % sectors
    faces = []
    for level in range(len(profile) - 1):
        low, high = level * sectors, (level + 1) * sectors
        if profile[level, 0] > 0:
            faces.append(np.column_stack([low + here, low + there, high + there]))
        if profile[level + 1, 0] > 0:
            faces.append(np.column_stack([low + here, high + there, high + here]))
    mesh = spec.add_mesh()
    mesh.name = _MESH
    mesh.uservert = vertices.ravel()
    mesh.userface = np.concatenate(faces).ravel()


def add_bowl(spec: mujoco.MjSpec, body: mujoco.MjsBody) -> None:
    """Add a bowl to `body`, whose origin is the middle of the foot's underside.

    Facet `i` of the wall is where the bowl's yaw plus `i` times 2 pi / FACETS points.
    """
    _add_shape(spec)
    shape = body.add_geom()
    shape.type, shape.meshname = mujoco.mjtGeom.mjGEOM_MESH, _MESH
    shape.contype = shape.conaffinity = 0
    shape.mass, shape.group = 0.0, 2
    slant = float(np.hypot(RIM_RADIUS - FLOOR_RADIUS, HEIGHT - FOOT_HEIGHT))
    radius = (RIM_RADIUS + FLOOR_RADIUS) / 2 - WALL / 2 / np.cos(LEAN)
    middle = (HEIGHT + FOOT_HEIGHT) / 2
    for facet in range(FACETS):
        angle = 2 * np.pi * facet / FACETS
        wall = _felt(body, mujoco.mjtGeom.mjGEOM_BOX, _MASS / 2 / FACETS)
        wall.pos = (radius * np.cos(angle), radius * np.sin(angle), middle)
        wall.size = (WALL / 2, RIM_RADIUS * np.tan(np.pi / FACETS), slant / 2)
        turn, tilt = np.array([np.cos(angle / 2), 0, 0, np.sin(angle / 2)]), LEAN / 2
        quaternion = np.zeros(4)
        mujoco.mju_mulQuat(quaternion, turn, np.array([np.cos(tilt), 0, np.sin(tilt), 0]))
        wall.quat = quaternion
    floor = _felt(body, mujoco.mjtGeom.mjGEOM_CYLINDER, _MASS / 4)
    floor.pos, floor.size = (0.0, 0.0, FOOT_HEIGHT + WALL / 2), (FLOOR_RADIUS - WALL / 2, WALL / 2, 0.0)
    foot = _felt(body, mujoco.mjtGeom.mjGEOM_CYLINDER, _MASS / 4)
    foot.pos, foot.size = (0.0, 0.0, FOOT_HEIGHT / 2), (FOOT_RADIUS, FOOT_HEIGHT / 2, 0.0)


def _felt(body: mujoco.MjsBody, kind: mujoco.mjtGeom, mass: float) -> mujoco.MjsGeom:
    geom = body.add_geom()
    geom.type, geom.mass, geom.group = kind, mass, _HIDDEN_GROUP
    geom.friction, geom.condim, geom.solref = _FRICTION, 4, (0.008, 1.0)
    return geom
