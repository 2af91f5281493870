"""Action spaces: what every number of an action means. Ask the space for a slice, never count indices.

dual_arm_ee, 14-D      0    3    6  7    10   13 14
                       |pos |rot |g |pos |rot |g |
                       '-- left ---' '-- right --'

single_arm_ee, 7-D     0    3    6  7        single_arm_joints_7, 8-D    0        7  8
                       |pos |rot |g |                                    | joints |g |
                       '--- arm ----'                                    '--- arm ---'

Channels carry the name of their arm: `left_position`, `right_gripper`; the one arm of a single-armed robot is
called `arm`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from math import pi
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segue_core.errors import ConfigError, ErrorCode, SchedulerError, unknown_name
from segue_core.text_enum import TextEnum

FURTHEST = 1e6
"""No bound, state or action of a robot is as far, in any unit."""
_FASTEST_HZ = 10_000.0


class ChannelKind(TextEnum):
    """How a channel's numbers are compared and blended."""

    POSITION = "position"  # a point in the base frame [m]; linear
    ROTATION_VECTOR = "rotation_vector"  # axis times angle [rad]; blended on SO(3)
    QUATERNION = "quaternion"  # x, y, z, w (ROS order), unit norm; blended on SO(3)
    JOINT = "joint"  # joint angle [rad] or position [m]; wraps when the channel says so
    GRIPPER = "gripper"  # 0 closed .. 1 open; never averaged: the latest value wins


@dataclass(frozen=True)
class Channel:
    """A named run of `size` numbers of one kind; `low` and `high` are `size` inclusive bounds in `unit`."""

    name: str
    kind: ChannelKind
    size: int
    unit: str
    low: tuple[float, ...]
    high: tuple[float, ...]
    wraps: bool = False

    def __post_init__(self) -> None:
        if self.size < 1 or len(self.low) != self.size or len(self.high) != self.size:
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE,
                f"channel {self.name!r}: bounds do not match its size",
                got=f"{len(self.low)} low and {len(self.high)} high bounds",
                expected=f"{self.size} each",
            )
        for low, high in zip(self.low, self.high, strict=True):
            if not -FURTHEST <= low <= high <= FURTHEST:  # nor NaN
                text, got = f"channel {self.name!r}: a low and a high bound", f"{low} and {high}"
                expected = f"low at most high, both within +-{FURTHEST:g}"
                raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=got, expected=expected)


@dataclass(frozen=True)
class ActionSpace:
    """An ordered list of channels at a control rate. Values are absolute (poses, not increments)."""

    name: str
    rate_hz: float
    channels: tuple[Channel, ...]

    def __post_init__(self) -> None:
        names = [channel.name for channel in self.channels]
        if not names or len(set(names)) < len(names):
            text, got = f"action space {self.name!r}: channels", ", ".join(names) or "none"
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, text, got=got, expected="one or more, each once"
            )
        if not 0 < self.rate_hz <= _FASTEST_HZ:
            text, expected = f"action space {self.name!r}: rate_hz", f"above 0, at most {_FASTEST_HZ:g}"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=self.rate_hz, expected=expected)

    @cached_property
    def dim(self) -> int:
        """Width D of one action."""
        return sum(channel.size for channel in self.channels)

    @cached_property
    def slices(self) -> Mapping[str, slice]:
        """Slice of every channel, by channel name, in order."""
        ends = np.cumsum([channel.size for channel in self.channels]).tolist()
        return {c.name: slice(end - c.size, end) for c, end in zip(self.channels, ends, strict=True)}

    def slice(self, name: str) -> slice:
        """Slice of the channel `name` in the last axis; raises ConfigError listing the channel names."""
        if name not in self.slices:
            raise unknown_name("channel", name, self.slices)
        return self.slices[name]

    def motion_of(self, arm: str) -> tuple[int, ...]:
        """Indices of the numbers that say where an arm is: of all its channels but the gripper.

        Raises:
            ConfigError: no such channel; the text lists the channels.
        """
        parts = [
            self.slices[c.name]
            for c in self.channels
            if c.name.rpartition("_")[0] == arm and c.kind is not ChannelKind.GRIPPER
        ]
        if not parts:
            raise unknown_name("channels of arm", arm, self.slices)
        return tuple(index for part in parts for index in range(part.start, part.stop))

    @cached_property
    def moving(self) -> NDArray[np.bool_]:
        """Which numbers move an arm, (D,): all but the grippers'."""
        return np.concatenate([np.full(c.size, c.kind is not ChannelKind.GRIPPER) for c in self.channels])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """One name per dimension: `left_position_0`, ..., or the channel's name when its size is 1."""
        return tuple(
            c.name if c.size == 1 else f"{c.name}_{index}" for c in self.channels for index in range(c.size)
        )

    @cached_property
    def low(self) -> NDArray[np.float64]:
        """Lower bounds, (D,)."""
        return np.array([bound for channel in self.channels for bound in channel.low])

    @cached_property
    def high(self) -> NDArray[np.float64]:
        """Upper bounds, (D,)."""
        return np.array([bound for channel in self.channels for bound in channel.high])

    def validate(self, actions: ArrayLike, what: str) -> NDArray[np.float64]:
        """Return `actions` (..., D) as float64 if the width is right and every value is finite.

        Raises:
            SchedulerError: CHUNK_WRONG_SHAPE or CHUNK_NOT_FINITE, naming `what` and the first bad entry.
        """
        array = np.asarray(actions, dtype=np.float64)
        if array.ndim == 0 or array.shape[-1] != self.dim:
            raise SchedulerError(
                ErrorCode.CHUNK_WRONG_SHAPE,
                f"{what}: wrong shape",
                got=array.shape,
                expected=f"(..., {self.dim})",
            )
        if not np.isfinite(array).all():
            first = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
            entry = f"{array[first]} at {first} ({self.names[first[-1]]})"
            raise SchedulerError(ErrorCode.CHUNK_NOT_FINITE, f"{what}: not finite", got=entry)
        return array

    def clip(self, actions: ArrayLike) -> NDArray[np.float64]:
        """`actions` (..., D) moved into the bounds, dimension by dimension."""
        return np.clip(np.asarray(actions, dtype=np.float64), self.low, self.high)

    def fingerprint(self) -> str:
        """16 hex digits of the meaning: names, kinds, sizes, units, wrapping and rate.

        Bounds are left out: tightening a workspace does not change what a number means.
        """
        meaning = [[c.name, c.kind.value, c.size, c.unit, c.wraps] for c in self.channels]
        text = json.dumps([self.name, float(self.rate_hz), meaning], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML, JSON and checkpoints."""
        channels = [
            asdict(c) | {"kind": c.kind.value, "low": list(c.low), "high": list(c.high)}
            for c in self.channels
        ]
        return {"name": self.name, "rate_hz": float(self.rate_hz), "channels": channels}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ActionSpace":
        """Inverse of `to_dict`; raises ConfigError on anything else."""
        try:
            channels = tuple(_channel(entry) for entry in data["channels"])
            _refuse_types(data, name=str, rate_hz=(int, float))
            return cls(data["name"], float(data["rate_hz"]), channels)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, f"action space: {error!r:.300}") from error


def _channel(entry: Mapping[str, Any]) -> Channel:
    fields = dict(entry)
    kind = ChannelKind(fields.pop("kind"))
    low, high = tuple(map(float, fields.pop("low"))), tuple(map(float, fields.pop("high")))
    _refuse_types(fields, name=str, size=int, unit=str, wraps=bool)
    return Channel(kind=kind, low=low, high=high, **fields)


def _refuse_types(data: Mapping[str, Any], **wanted: type | tuple[type, ...]) -> None:
    for name, kinds in wanted.items():
        allowed = kinds if isinstance(kinds, tuple) else (kinds,)
        if name in data and type(data[name]) not in allowed:
            names = " or ".join(kind.__name__ for kind in allowed)
            raise TypeError(f"{name} is {data[name]!r}, expected {names}")


_NEAR = ((-1.0, -1.0, -0.5), (1.0, 1.0, 1.5))  # around a base on a table [m]
_FAR = ((-1.5, -1.5, -1.0), (1.5, 1.5, 2.0))  # around any base, on the floor or on a table [m]
SINGLE_ARM = "arm"
"""Name of the arm of a robot that has one; its channels are `arm_position`, `arm_gripper` and so on."""


def end_effector_channels(
    arm: str, low: tuple[float, ...] = _FAR[0], high: tuple[float, ...] = _FAR[1]
) -> tuple[Channel, ...]:
    """Position between `low` and `high` [m], rotation vector and gripper of one arm: 7 numbers."""
    return (
        Channel(f"{arm}_position", ChannelKind.POSITION, 3, "m", low, high),
        Channel(f"{arm}_rotation", ChannelKind.ROTATION_VECTOR, 3, "rad", (-2 * pi,) * 3, (2 * pi,) * 3),
        Channel(f"{arm}_gripper", ChannelKind.GRIPPER, 1, "1", (0.0,), (1.0,)),
    )


def _universal_arm(side: str) -> tuple[Channel, ...]:
    return (
        Channel(f"{side}_position", ChannelKind.POSITION, 3, "m", *_NEAR),
        Channel(f"{side}_orientation", ChannelKind.QUATERNION, 4, "1", (-1.0,) * 4, (1.0,) * 4),
        Channel(f"{side}_joints", ChannelKind.JOINT, 7, "rad", (-2 * pi,) * 7, (2 * pi,) * 7, wraps=True),
        Channel(f"{side}_gripper", ChannelKind.GRIPPER, 1, "1", (0.0,), (1.0,)),
    )


def _joint_arm(arm: str, joints: int) -> tuple[Channel, ...]:
    """Joint positions as the encoders count them: a joint that can turn for ever does not wrap."""
    bound = (4 * pi,) * joints
    return (
        Channel(f"{arm}_joints", ChannelKind.JOINT, joints, "rad", tuple(-b for b in bound), bound),
        Channel(f"{arm}_gripper", ChannelKind.GRIPPER, 1, "1", (0.0,), (1.0,)),
    )


DUAL_ARM_EE = ActionSpace(
    "dual_arm_ee", 30.0, (*end_effector_channels("left", *_NEAR), *end_effector_channels("right", *_NEAR))
)
UNIVERSAL_DUAL_ARM = ActionSpace(
    "universal_dual_arm", 30.0, (*_universal_arm("left"), *_universal_arm("right"))
)
SINGLE_ARM_EE = ActionSpace("single_arm_ee", 30.0, end_effector_channels(SINGLE_ARM, *_FAR))
SINGLE_ARM_JOINTS_5 = ActionSpace("single_arm_joints_5", 30.0, _joint_arm(SINGLE_ARM, 5))
SINGLE_ARM_JOINTS_6 = ActionSpace("single_arm_joints_6", 30.0, _joint_arm(SINGLE_ARM, 6))
SINGLE_ARM_JOINTS_7 = ActionSpace("single_arm_joints_7", 30.0, _joint_arm(SINGLE_ARM, 7))
DUAL_ARM_JOINTS_5 = ActionSpace("dual_arm_joints_5", 30.0, (*_joint_arm("left", 5), *_joint_arm("right", 5)))
DUAL_ARM_JOINTS_6 = ActionSpace("dual_arm_joints_6", 30.0, (*_joint_arm("left", 6), *_joint_arm("right", 6)))
DUAL_ARM_JOINTS_7 = ActionSpace("dual_arm_joints_7", 30.0, (*_joint_arm("left", 7), *_joint_arm("right", 7)))

ACTION_SPACES: Mapping[str, ActionSpace] = {
    space.name: space
    for space in (
        DUAL_ARM_EE,
        UNIVERSAL_DUAL_ARM,
        SINGLE_ARM_EE,
        SINGLE_ARM_JOINTS_5,
        SINGLE_ARM_JOINTS_6,
        SINGLE_ARM_JOINTS_7,
        DUAL_ARM_JOINTS_5,
        DUAL_ARM_JOINTS_6,
        DUAL_ARM_JOINTS_7,
    )
}


def action_space(name: str, rate_hz: float | None = None) -> ActionSpace:
    """Look up a built-in space, at its own rate or at `rate_hz`; raises ConfigError that lists the valid names."""
    if name not in ACTION_SPACES:
        raise unknown_name("action space", name, ACTION_SPACES)
    found = ACTION_SPACES[name]
    return found if rate_hz is None or rate_hz == found.rate_hz else replace(found, rate_hz=rate_hz)
