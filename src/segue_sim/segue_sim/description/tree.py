"""The frames of a URDF: where every link is in its parent, for joint positions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as xml

import mujoco
import numpy as np

from segue_core.arrays import Floats
from segue_core.errors import ConfigError, ErrorCode

_TURNS, _SLIDES, _FIXED = ("revolute", "continuous"), ("prismatic",), ("fixed",)


Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]  # w first


@dataclass(frozen=True)
class TreeFrame:
    """T_parent_child: `position` [m] and a unit `quaternion`, w first."""

    parent: str
    child: str
    position: Vector
    quaternion: Quaternion


@dataclass(frozen=True)
class _Joint:
    """Plain numbers: arithmetic on a few of them takes a tenth of what arrays do, thirty times a second."""

    name: str
    kind: str
    still: TreeFrame  # at position 0
    axis: Vector  # unit length; turning: in the child, sliding: in the parent
    follows: tuple[str, float, float] | None  # leader, factor, offset

    def frame(self, position: float) -> TreeFrame:
        """With the joint at `position` [rad or m]."""
        still, (x, y, z) = self.still, self.axis
        if self.kind in _SLIDES:
            px, py, pz = still.position
            moved = (px + x * position, py + y * position, pz + z * position)
            return TreeFrame(still.parent, still.child, moved, still.quaternion)
        sine = math.sin(position / 2)
        turned = _times(still.quaternion, (math.cos(position / 2), x * sine, y * sine, z * sine))
        return TreeFrame(still.parent, still.child, still.position, turned)


def _times(a: Quaternion, b: Quaternion) -> Quaternion:
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


class FrameTree:
    """Frames of a URDF text.

    Raises:
        ConfigError: a joint of a kind other than fixed, revolute, continuous and prismatic.
    """

    def __init__(self, urdf: str) -> None:
        self._joints = [_joint(element) for element in xml.fromstring(urdf).findall("joint")]

    def fixed(self) -> tuple[TreeFrame, ...]:
        """Frames that never move."""
        return tuple(joint.still for joint in self._joints if joint.kind in _FIXED)

    def moving(self, positions: Mapping[str, float]) -> tuple[TreeFrame, ...]:
        """Frames of the moving joints [rad or m]; those of joints whose position is not told are left out."""
        frames = []
        for joint in self._joints:
            position = self._position(joint, positions)
            if joint.kind not in _FIXED and position is not None:
                frames.append(joint.frame(position))
        return tuple(frames)

    @staticmethod
    def _position(joint: _Joint, positions: Mapping[str, float]) -> float | None:
        if joint.name in positions or not joint.follows:
            return positions.get(joint.name)
        leader, factor, offset = joint.follows
        return factor * positions[leader] + offset if leader in positions else None


def _joint(element: xml.Element) -> _Joint:
    name, kind = element.get("name", ""), element.get("type", "")
    if kind not in (*_TURNS, *_SLIDES, *_FIXED):
        allowed = [*_TURNS, *_SLIDES, *_FIXED]
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, f"URDF joint {name!r}", got=kind, allowed=allowed)
    ends = [element.find(tag) for tag in ("parent", "child")]
    parent, child = ("" if end is None else end.get("link", "") for end in ends)
    rotation, position = _origin(element.find("origin"))
    axis = _numbers(element.find("axis"), "xyz", "1 0 0")
    axis = axis / np.linalg.norm(axis)
    if kind in _SLIDES:
        axis = rotation @ axis
    mimic = element.find("mimic")
    follows = None
    if mimic is not None:
        factor, offset = (
            float(mimic.get(key, default)) for key, default in (("multiplier", "1"), ("offset", "0"))
        )
        follows = (mimic.get("joint", ""), factor, offset)
    still = TreeFrame(parent, child, _vector(position), _quaternion(rotation))
    return _Joint(name, kind, still, _vector(axis), follows)


def _vector(values: Floats) -> Vector:
    x, y, z = values.tolist()
    return (x, y, z)


def _quaternion(rotation: Floats) -> Quaternion:
    found = np.zeros(4)
    mujoco.mju_mat2Quat(found, rotation.flatten())
    w, x, y, z = found.tolist()
    return (w, x, y, z)


def _numbers(element: xml.Element | None, key: str, default: str) -> Floats:
    text = default if element is None else element.get(key, default)
    return np.array([float(word) for word in text.split()])


def _origin(element: xml.Element | None) -> tuple[Floats, Floats]:
    """Rotation (3, 3) and position (3,)."""
    roll, pitch, yaw = _numbers(element, "rpy", "0 0 0")
    turns = zip(np.eye(3)[::-1], (yaw, pitch, roll), strict=True)
    rotation = np.linalg.multi_dot([_turn(axis, angle) for axis, angle in turns])
    return rotation, _numbers(element, "xyz", "0 0 0")


def _turn(axis: Floats, angle: float) -> Floats:
    quaternion, matrix = np.zeros(4), np.zeros(9)
    mujoco.mju_axisAngle2Quat(quaternion, axis / np.linalg.norm(axis), angle)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)
