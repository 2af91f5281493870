"""Rotations as rotation vectors (axis times angle [rad]) and quaternions (x, y, z, w, ROS order).

All functions work on any number of leading axes. Quaternions are unit; q and -q are the same rotation.
"""

import numpy as np
from numpy.typing import ArrayLike

from segue_core.arrays import Floats

_SMALL_RAD = 1e-8  # below it sin(x)/x is 1 to the last bit of a double


def xyzw_from_rotvec(rotvec: ArrayLike) -> Floats:
    """Exponential map, (..., 3) to (..., 4)."""
    vector = np.asarray(rotvec, dtype=np.float64)
    half = np.linalg.norm(vector, axis=-1, keepdims=True) / 2
    scale = np.sinc(half / np.pi) / 2  # sin(half) / angle, defined at 0
    return np.concatenate([vector * scale, np.cos(half)], axis=-1)


def rotvec_from_xyzw(quaternion: ArrayLike) -> Floats:
    """Logarithm, (..., 4) to (..., 3), the representative with angle at most pi."""
    q = np.asarray(quaternion, dtype=np.float64)
    q = np.where(q[..., 3:] < 0, -q, q)
    sine = np.linalg.norm(q[..., :3], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, q[..., 3:])
    scale = np.where(sine > _SMALL_RAD, angle / np.maximum(sine, _SMALL_RAD), 2.0)
    vector: Floats = q[..., :3] * scale
    return vector


def multiply(a: ArrayLike, b: ArrayLike) -> Floats:
    """Hamilton product of quaternions (..., 4): the rotation `b` followed by `a`."""
    ax, ay, az, aw = np.moveaxis(np.asarray(a, dtype=np.float64), -1, 0)
    bx, by, bz, bw = np.moveaxis(np.asarray(b, dtype=np.float64), -1, 0)
    x = aw * bx + ax * bw + ay * bz - az * by
    y = aw * by - ax * bz + ay * bw + az * bx
    z = aw * bz + ax * by - ay * bx + az * bw
    return np.stack([x, y, z, aw * bw - ax * bx - ay * by - az * bz], axis=-1)


def conjugate(quaternion: ArrayLike) -> Floats:
    """Inverse of a unit quaternion (..., 4)."""
    inverse: Floats = np.asarray(quaternion, dtype=np.float64) * np.array([-1.0, -1.0, -1.0, 1.0])
    return inverse


def normalized(quaternion: ArrayLike) -> Floats:
    """Unit quaternion (..., 4) of the same direction; a zero quaternion becomes the identity."""
    q = np.asarray(quaternion, dtype=np.float64)
    norm = np.linalg.norm(q, axis=-1, keepdims=True)
    identity = np.array([0.0, 0.0, 0.0, 1.0])
    unit: Floats = np.where(norm > _SMALL_RAD, q / np.maximum(norm, _SMALL_RAD), identity)
    return unit


def relative_rotvec(a: ArrayLike, b: ArrayLike) -> Floats:
    """Base-frame rotation vector (..., 3) [rad], at most pi long, that takes quaternion `a` (..., 4) to `b`."""
    return rotvec_from_xyzw(multiply(b, conjugate(a)))


def slerp(a: ArrayLike, b: ArrayLike, weight: ArrayLike) -> Floats:
    """Quaternion at `weight` (...,) of the shortest way from `a` (0) to `b` (1)."""
    step = relative_rotvec(a, b) * np.asarray(weight, dtype=np.float64)[..., None]
    return multiply(xyzw_from_rotvec(step), a)


def nearest_rotvec(rotvec: ArrayLike, target: ArrayLike) -> Floats:
    """The rotation vector (..., 3) [rad] of the same rotation that lies nearest to `target` (..., 3).

    A rotation by `angle` about an axis is also one by `angle + 2 pi k`, so equal rotations can be far apart
    as numbers; this picks the representative that keeps a sequence of numbers continuous.
    """
    vector, goal = np.asarray(rotvec, dtype=np.float64), np.asarray(target, dtype=np.float64)
    angle = np.linalg.norm(vector, axis=-1, keepdims=True)
    goal_norm = np.linalg.norm(goal, axis=-1, keepdims=True)
    goal_axis = goal / np.maximum(goal_norm, _SMALL_RAD)
    axis = np.where(angle > _SMALL_RAD, vector / np.maximum(angle, _SMALL_RAD), goal_axis)
    turns = np.round((np.sum(goal * axis, axis=-1, keepdims=True) - angle) / (2 * np.pi))
    nearest: Floats = np.where(turns == 0, vector, axis * (angle + 2 * np.pi * turns))
    return nearest
