"""A robot's SRDF, which MoveIt wants beside its URDF: planning groups, named poses, hands, and what may touch."""

from collections.abc import Iterable
from xml.etree import ElementTree as xml

from segue_control.planning.touching_links import unchecked_pairs
from segue_core.contracts.planning import PlanningConfig
from segue_core.contracts.robot import ArmConfig, RobotConfig
from segue_core.errors import ConfigError, ErrorCode


def planning_group(robot: RobotConfig) -> str:
    """The group of all arms' joints; raises ConfigError where the contract names none, or that of a part."""
    group = robot.planning.moveit_group if robot.planning else None
    names = [arm.name for arm in robot.arms]
    if not group:
        text = f"robot {robot.name!r} names no planning group for MoveIt"
        do = "give planning.moveit_group in its contract, such as arm, or use planner:=built_in"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, do=do)
    parts = {*(names if len(names) > 1 else ()), *(_hand(arm) for arm in robot.arms)}
    if group in parts:
        text = f"robot {robot.name!r}: planning.moveit_group is that of all arms; {group!r} is a part's name"
        raise ConfigError(
            ErrorCode.CONFIG_CONFLICT, text, expected=f"another name than {', '.join(sorted(parts))}"
        )
    return group


def semantics(robot: RobotConfig) -> str:
    """The SRDF to the URDF of `segue gazebo` and `robot_description`, whose names it has.

    A group per arm, from the base to its tool, one per hand (`<arm>_gripper`), and the contract's `moveit_group` of
    all arms. Seconds of work: which links may touch is tried out.

    Raises:
        ConfigError: see `planning_group`.
    """
    group = planning_group(robot)
    root = xml.Element("robot", {"name": robot.name})
    for arm in robot.arms:
        chain = {"base_link": robot.base_frame, "tip_link": f"{arm.name}_tool"}
        xml.SubElement(_group(root, arm.name), "chain", chain)
        _members(_group(root, _hand(arm)), "joint", _fingers(arm))
    if group not in {arm.name for arm in robot.arms}:
        _members(_group(root, group), "group", (arm.name for arm in robot.arms))
    for name in ("home", *(robot.planning or PlanningConfig()).poses):
        _state(root, name, group, zip(robot.joint_names, robot.pose_rad(name), strict=True))
    for arm in robot.arms:
        for name, places in (("open", arm.gripper.opened), ("closed", arm.gripper.closed)):
            _state(root, name, _hand(arm), zip(_fingers(arm), places, strict=True))
        hand = {"name": _hand(arm), "group": _hand(arm), "parent_group": arm.name}
        xml.SubElement(root, "end_effector", {**hand, "parent_link": f"{arm.name}_{arm.tool.body}"})
    for (first, second), reason in unchecked_pairs(robot).items():
        xml.SubElement(root, "disable_collisions", {"link1": first, "link2": second, "reason": reason})
    xml.indent(root)
    return '<?xml version="1.0"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _hand(arm: ArmConfig) -> str:
    return f"{arm.name}_gripper"


def _fingers(arm: ArmConfig) -> tuple[str, ...]:
    return tuple(f"{arm.name}_{joint}" for joint in arm.gripper.finger_joints)


def _group(root: xml.Element, name: str) -> xml.Element:
    return xml.SubElement(root, "group", {"name": name})


def _members(group: xml.Element, kind: str, names: Iterable[str]) -> None:
    for name in names:
        xml.SubElement(group, kind, {"name": name})


def _state(root: xml.Element, name: str, group: str, places: Iterable[tuple[str, float]]) -> None:
    state = xml.SubElement(root, "group_state", {"name": name, "group": group})
    for joint, value in places:
        xml.SubElement(state, "joint", {"name": joint, "value": f"{value:.9g}"})
