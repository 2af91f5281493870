"""What stands around the robot in a simulated world, as plain shapes: what planned moves must not touch.

Published for planners and for people; policies never see it.
"""

import mujoco
import numpy as np
from numpy.typing import NDArray

from segue_control.planning.scene import Obstacle, Quaternion, Scene, Shape, Vector3

_MIN_M = 1e-3  # planners want every shape to have an extent
_DIGITS = 3  # millimetres and milliradians: what rests is the same scene again and again


def robot_bodies(model: mujoco.MjModel, arms: tuple[str, ...]) -> frozenset[int]:
    """Ids of the bodies whose names begin with that of an arm: all of the robot."""
    prefixes = tuple(f"{arm}_" for arm in arms)
    return frozenset(body for body in range(model.nbody) if str(model.body(body).name).startswith(prefixes))


def surroundings(model: mujoco.MjModel, data: mujoco.MjData, arms: tuple[str, ...]) -> Scene:
    """One obstacle per shape that can be touched and is no part of the robot, where it is now.

    A shape that planners do not know becomes the box around it. Planes are left out: they have no end.
    """
    robot = robot_bodies(model, arms)
    shown = (
        geom
        for geom in range(model.ngeom)
        if int(model.geom_bodyid[geom]) not in robot
        and (model.geom_contype[geom] or model.geom_conaffinity[geom])
        and model.geom_type[geom] != mujoco.mjtGeom.mjGEOM_PLANE
    )
    return Scene(tuple(_obstacle(model, data, geom) for geom in shown))


def _obstacle(model: mujoco.MjModel, data: mujoco.MjData, geom: int) -> Obstacle:
    kind, size = int(model.geom_type[geom]), model.geom_size[geom]
    axes = data.geom_xmat[geom].reshape(3, 3)
    centre = np.array(data.geom_xpos[geom])
    extent: tuple[float, ...]
    if kind == mujoco.mjtGeom.mjGEOM_SPHERE:
        shape, extent = Shape.SPHERE, (2 * size[0],)
    elif kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
        shape, extent = Shape.CYLINDER, (2 * size[0], 2 * size[1])
    elif kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        shape, extent = Shape.CYLINDER, (2 * size[0], 2 * (size[1] + size[0]))
    else:
        shape, extent = Shape.BOX, tuple(2 * model.geom_aabb[geom][3:])
        centre = centre + axes @ model.geom_aabb[geom][:3]
    sizes = tuple(max(_MIN_M, float(value)) for value in extent)
    return Obstacle(_name(model, geom), shape, sizes, _vector(centre), _quaternion(data.geom_xmat[geom]))


def _name(model: mujoco.MjModel, geom: int) -> str:
    body = int(model.geom_bodyid[geom])
    own = str(model.geom(geom).name) or str(model.body(body).name) or "thing"
    first = int(model.body_geomadr[body])
    return own if model.body_geomnum[body] == 1 or model.geom(geom).name else f"{own}_{geom - first}"


def _vector(values: NDArray[np.float64]) -> Vector3:
    x, y, z = np.round(values, _DIGITS).tolist()
    return x, y, z


def _quaternion(matrix: NDArray[np.float64]) -> Quaternion:
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, matrix)
    w, x, y, z = np.round(quaternion, _DIGITS).tolist()
    return w, x, y, z
