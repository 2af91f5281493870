"""The frames of a URDF: where every link is in its parent, for joint positions."""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as xml

import mujoco
import numpy as np
from numpy.typing import NDArray

from segue_core.errors import ConfigError, ErrorCode
from segue_sim.gazebo.geometry import Pose

Floats = NDArray[np.float64]

_TURNS, _SLIDES, _FIXED = ("revolute", "continuous"), ("prismatic",), ("fixed",)


@dataclass(frozen=True, eq=False)
class Frame:
    """T_parent_child: `position` (3,) [m], `quaternion` (4,) w first."""

    parent: str
    child: str
    position: Floats
    quaternion: Floats


@dataclass(frozen=True, eq=False)
class _Joint:
    name: str
    parent: str
    child: str
    kind: str
    origin: Pose
    axis: Floats
    follows: tuple[str, float, float] | None  # leader, factor, offset

    def pose(self, position: float) -> Pose:
        """T_parent_child with the joint at `position` [rad or m]."""
        if self.kind in _SLIDES:
            return self.origin @ Pose(np.eye(3), position * self.axis)
        if self.kind in _TURNS:
            return self.origin @ Pose(_turn(self.axis, position), np.zeros(3))
        return self.origin


class FrameTree:
    """Frames of a URDF text.

    Raises:
        ConfigError: a joint of a kind other than fixed, revolute, continuous and prismatic.
    """

    def __init__(self, urdf: str) -> None:
        self._joints = [_joint(element) for element in xml.fromstring(urdf).findall("joint")]

    @property
    def moving_joints(self) -> tuple[str, ...]:
        """Joints whose positions `moving` asks for; those that follow another are not among them."""
        return tuple(joint.name for joint in self._joints if joint.kind not in _FIXED and not joint.follows)

    def fixed(self) -> tuple[Frame, ...]:
        """Frames that never move."""
        return tuple(_frame(joint, 0.0) for joint in self._joints if joint.kind in _FIXED)

    def moving(self, positions: Mapping[str, float]) -> tuple[Frame, ...]:
        """Frames of the moving joints [rad or m]; those of joints whose position is not told are left out."""
        frames = []
        for joint in self._joints:
            position = self._position(joint, positions)
            if joint.kind not in _FIXED and position is not None:
                frames.append(_frame(joint, position))
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
    axis = _numbers(element.find("axis"), "xyz", "1 0 0")
    mimic = element.find("mimic")
    follows = None
    if mimic is not None:
        factor, offset = (
            float(mimic.get(key, default)) for key, default in (("multiplier", "1"), ("offset", "0"))
        )
        follows = (mimic.get("joint", ""), factor, offset)
    return _Joint(name, parent, child, kind, _origin(element.find("origin")), axis, follows)


def _numbers(element: xml.Element | None, key: str, default: str) -> Floats:
    text = default if element is None else element.get(key, default)
    return np.array([float(word) for word in text.split()])


def _origin(element: xml.Element | None) -> Pose:
    roll, pitch, yaw = _numbers(element, "rpy", "0 0 0")
    turns = zip(np.eye(3)[::-1], (yaw, pitch, roll), strict=True)
    rotation = np.linalg.multi_dot([_turn(axis, angle) for axis, angle in turns])
    return Pose(rotation, _numbers(element, "xyz", "0 0 0"))


def _turn(axis: Floats, angle: float) -> Floats:
    quaternion, matrix = np.zeros(4), np.zeros(9)
    mujoco.mju_axisAngle2Quat(quaternion, axis / np.linalg.norm(axis), angle)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)


def _frame(joint: _Joint, position: float) -> Frame:
    pose, quaternion = joint.pose(position), np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, pose.rotation.flatten())
    return Frame(joint.parent, joint.child, pose.position, quaternion)
