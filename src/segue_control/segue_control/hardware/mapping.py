"""Names and units of the robot's driver against ours.

theirs = offset + scale * ours
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from segue_control.hardware.settings import DeviceJoint, GripperMap
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode, unknown_name


@dataclass(frozen=True)
class Axis:
    """One of our values and its place on the other side."""

    ours: str
    theirs: str
    scale: float
    offset: float

    def out(self, value: float) -> float:
        """A position for the device."""
        return self.offset + self.scale * value

    def back(self, value: float) -> float:
        """A position that the device told."""
        return (value - self.offset) / self.scale


def joint_axes(robot: RobotConfig, joints: Mapping[str, str | DeviceJoint]) -> dict[str, Axis]:
    """One axis per arm joint, by our name; joints that are not mentioned have the same name on both sides.

    Raises:
        ConfigError: a joint that the robot has not, or two joints with one name on the other side.
    """
    for name in joints:
        if name not in robot.joint_names:
            raise unknown_name(f"joint of robot '{robot.name}'", name, robot.joint_names)
    axes = {name: _axis(name, joints.get(name, name)) for name in robot.joint_names}
    names = [axis.theirs for axis in axes.values()]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        text = f"robot '{robot.name}': several joints are mapped to {', '.join(doubled)}"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text)
    return axes


def _axis(ours: str, theirs: str | DeviceJoint) -> Axis:
    device = DeviceJoint(name=theirs) if isinstance(theirs, str) else theirs
    return Axis(ours, device.name, device.scale, device.offset)


def gripper_axes(robot: RobotConfig, grippers: Mapping[str, GripperMap]) -> dict[str, Axis]:
    """One axis per gripper, by our name: opening 0 is the device's `closed`, opening 1 its `open`.

    Raises:
        ConfigError: a gripper that the robot has not, or one that is not mapped.
    """
    for name in grippers:
        if name not in robot.gripper_names:
            raise unknown_name(f"gripper of robot '{robot.name}'", name, robot.gripper_names)
    missing = [name for name in robot.gripper_names if name not in grippers]
    if missing:
        text = f"robot '{robot.name}': hardware options: grippers without a mapping"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=", ".join(missing))
    return {
        name: Axis(name, entry.joint or name, entry.open - entry.closed, entry.closed)
        for name, entry in grippers.items()
    }


def select(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where each of `wanted` is in `names`; raises ConfigError for one that is not there."""
    for name in wanted:
        if name not in names:
            raise unknown_name("joint", name, names)
    return [list(names).index(name) for name in wanted]
