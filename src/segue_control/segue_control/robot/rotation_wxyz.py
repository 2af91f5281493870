"""Rotation vectors and unit quaternions (w, x, y, z: MuJoCo's order).

Plain floats instead of arrays: at this size they are several times faster, and the controllers run at 120 Hz
or more.
"""

import math
from collections.abc import Sequence

Wxyz = tuple[float, float, float, float]
Vector = tuple[float, float, float]

_SMALL_ANGLE_RAD = 1e-9


def from_rotation_vector(vector: Sequence[float]) -> Wxyz:
    """Unit quaternion of the rotation by `|vector|` radians about `vector`."""
    x, y, z = vector
    angle = math.sqrt(x * x + y * y + z * z)
    scale = 0.5 if angle < _SMALL_ANGLE_RAD else math.sin(0.5 * angle) / angle
    return math.cos(0.5 * angle), scale * x, scale * y, scale * z


def to_rotation_vector(quaternion: Sequence[float]) -> Vector:
    """Shortest rotation vector [rad], of length at most pi, of a unit quaternion of either sign."""
    w, x, y, z = quaternion
    sine = math.sqrt(x * x + y * y + z * z)
    angle = 2.0 * math.atan2(sine, abs(w))
    scale = math.copysign(2.0 if sine < _SMALL_ANGLE_RAD else angle / sine, w)
    return scale * x, scale * y, scale * z


def multiply(left: Sequence[float], right: Sequence[float]) -> Wxyz:
    """Hamilton product: the rotation `right` followed by `left`, both in fixed axes."""
    a, b, c, d = left
    w, x, y, z = right
    return (
        a * w - b * x - c * y - d * z,
        a * x + b * w + c * z - d * y,
        a * y - b * z + c * w + d * x,
        a * z + b * y - c * x + d * w,
    )


def conjugate(quaternion: Sequence[float]) -> Wxyz:
    """Inverse of a unit quaternion."""
    w, x, y, z = quaternion
    return w, -x, -y, -z


def normalised(quaternion: Sequence[float]) -> Wxyz:
    """`quaternion` scaled to unit length; it must not be zero."""
    w, x, y, z = quaternion
    scale = 1.0 / math.sqrt(w * w + x * x + y * y + z * z)
    return w * scale, x * scale, y * scale, z * scale


def difference(target: Sequence[float], current: Sequence[float]) -> Vector:
    """Rotation vector [rad], in fixed axes, that turns `current` into `target` the short way."""
    return to_rotation_vector(multiply(target, conjugate(current)))
