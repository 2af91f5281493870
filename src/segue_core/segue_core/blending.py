"""Comparing and mixing actions channel by channel.

A plain mean of two actions is wrong for orientations (it leaves SO(3), and takes the long way round across
pi), for grippers (half open is neither) and for wrapping joints. All continuations mix through here.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from segue_core import rotation_xyzw
from segue_core.action_space import ActionSpace, Channel, ChannelKind
from segue_core.arrays import Floats

_SURELY_CONTINUOUS_RAD = np.pi / np.sqrt(3)  # three such components make a rotation vector of pi


def _wrapped(angle: Floats) -> Floats:
    """Angles moved to [-pi, pi)."""
    return np.mod(angle + np.pi, 2 * np.pi) - np.pi


def _linear_difference(channel: Channel, a: Floats, b: Floats) -> Floats:
    return _wrapped(b - a) if channel.wraps else b - a


def _rotvec_difference(channel: Channel, a: Floats, b: Floats) -> Floats:
    return rotation_xyzw.relative_rotvec(rotation_xyzw.xyzw_from_rotvec(a), rotation_xyzw.xyzw_from_rotvec(b))


def _quaternion_difference(channel: Channel, a: Floats, b: Floats) -> Floats:
    rotvec = rotation_xyzw.relative_rotvec(rotation_xyzw.normalized(a), rotation_xyzw.normalized(b))
    return np.concatenate([rotvec, np.zeros_like(rotvec[..., :1])], axis=-1)


def _linear_blend(channel: Channel, a: Floats, b: Floats, weight: Floats) -> Floats:
    return a + weight[..., None] * _linear_difference(channel, a, b)


def _rotvec_blend(channel: Channel, a: Floats, b: Floats, weight: Floats) -> Floats:
    quaternion = rotation_xyzw.slerp(
        rotation_xyzw.xyzw_from_rotvec(a), rotation_xyzw.xyzw_from_rotvec(b), weight
    )
    return rotation_xyzw.nearest_rotvec(rotation_xyzw.rotvec_from_xyzw(quaternion), b)


def _quaternion_blend(channel: Channel, a: Floats, b: Floats, weight: Floats) -> Floats:
    return rotation_xyzw.slerp(rotation_xyzw.normalized(a), rotation_xyzw.normalized(b), weight)


def _latest(channel: Channel, a: Floats, b: Floats, weight: Floats) -> Floats:
    return np.where(weight[..., None] > 0, b, a)


_DIFFERENCES: Mapping[ChannelKind, Callable[[Channel, Floats, Floats], Floats]] = {
    ChannelKind.POSITION: _linear_difference,
    ChannelKind.ROTATION_VECTOR: _rotvec_difference,
    ChannelKind.QUATERNION: _quaternion_difference,
    ChannelKind.JOINT: _linear_difference,
    ChannelKind.GRIPPER: _linear_difference,
}
_BLENDS: Mapping[ChannelKind, Callable[[Channel, Floats, Floats, Floats], Floats]] = {
    ChannelKind.POSITION: _linear_blend,
    ChannelKind.ROTATION_VECTOR: _rotvec_blend,
    ChannelKind.QUATERNION: _quaternion_blend,
    ChannelKind.JOINT: _linear_blend,
    ChannelKind.GRIPPER: _latest,
}


def difference(space: ActionSpace, a: ArrayLike, b: ArrayLike) -> Floats:
    """How far `b` is from `a`, (..., D): relative rotation vectors, wrapped joints, plain otherwise.

    A quaternion channel holds the relative rotation vector in its first three entries and 0 in the fourth.
    """
    old, new = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    parts = [_DIFFERENCES[c.kind](c, old[..., s], new[..., s]) for c, s in _channels(space)]
    return np.concatenate(parts, axis=-1)


def blend(
    space: ActionSpace, old: ArrayLike, new: ArrayLike, weight: ArrayLike, *, average_grippers: bool = False
) -> Floats:
    """Mix two actions (..., D); `weight` (...,) in [0, 1] is the share of `new`.

    Weight 0 gives `old` and 1 gives `new`, exactly. A gripper is `new` as soon as the weight is above 0, or with
    `average_grippers` mixed as a position is.
    """
    blends = {**_BLENDS, ChannelKind.GRIPPER: _linear_blend} if average_grippers else _BLENDS
    a, b = np.broadcast_arrays(np.asarray(old, dtype=np.float64), np.asarray(new, dtype=np.float64))
    share = np.broadcast_to(np.asarray(weight, dtype=np.float64), a.shape[:-1])
    parts = [blends[c.kind](c, a[..., s], b[..., s], share) for c, s in _channels(space)]
    mixed = np.concatenate(parts, axis=-1)
    mixed = np.where(share[..., None] <= 0, a, mixed)
    exact: Floats = np.where(share[..., None] >= 1, b, mixed)
    return exact


def continuous(space: ActionSpace, actions: ArrayLike, start: ArrayLike) -> Floats:
    """The same actions (H, D), written so that their numbers continue each other from `start` (D,) on.

    A rotation vector by more than pi, or a wrapping joint, has several ways to be written:

        start   3.1          3.1                        an angle about one axis [rad]
        rows   -3.1  -3.0    ->    3.18  3.28           the same angles, and no number jumps

    Rows that already do are returned as they are, bit for bit. Needed before numbers are subtracted, scaled or mixed.
    """
    rows = np.array(actions, dtype=np.float64)
    before = np.asarray(start, dtype=np.float64)
    steps = np.concatenate([before[None], rows])
    if np.abs(steps[1:] - steps[:-1]).max(initial=0.0) <= _SURELY_CONTINUOUS_RAD:
        return rows
    for channel, part in _channels(space):
        if channel.kind is ChannelKind.ROTATION_VECTOR and _leaps(rows[:, part], before[part]):
            last = before[part]
            for row in rows:
                row[part] = last = rotation_xyzw.nearest_rotvec(row[part], last)
        elif channel.wraps:
            steps = np.diff(rows[:, part], axis=0, prepend=before[None, part])
            rows[:, part] -= 2 * np.pi * np.cumsum(np.round(steps / (2 * np.pi)), axis=0)
    return rows


def _leaps(rotvecs: Floats, start: Floats) -> bool:
    steps = np.diff(rotvecs, axis=0, prepend=start[None])
    return bool((np.linalg.norm(steps, axis=-1) > np.pi).any())


def _channels(space: ActionSpace) -> list[tuple[Channel, slice]]:
    return [(channel, space.slices[channel.name]) for channel in space.channels]
