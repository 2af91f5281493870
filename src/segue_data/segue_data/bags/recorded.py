"""What a bag says was done: the executed commands, and the measured joints, for replays and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.joint_state_merge import JointMerge, max_age_ns
from segue_data.bags.joint_states import add_joints
from segue_data.bags.reader import read, stamp_ns
from segue_data.bags.topics import COMMAND, DISTURBED_COMMAND, JOINT_STATES
from segue_data.errors import misaligned, missing


def executed_commands(bag: Path, robot: RobotConfig) -> list[Floats]:
    """Actions (D,) in the order of their ticks, as they were executed (disturbed ones where there are any).

    Raises:
        DataError: no commands, or commands of another action space than the robot's.
    """
    found: dict[str, list[Floats]] = {COMMAND: [], DISTURBED_COMMAND: []}
    space = robot.action_space
    for record in read(bag, frozenset(found)):
        message = record.message()
        if message.action_space_fingerprint != space.fingerprint():
            got = f"got {message.action_space} {message.action_space_fingerprint}"
            raise misaligned(bag, record.topic, f"{got}, expected {space.name} {space.fingerprint()}")
        if not message.hold:
            found[record.topic].append(np.array(message.action, dtype=np.float64))
    actions = found[DISTURBED_COMMAND] or found[COMMAND]
    if not actions:
        raise missing(bag, "no commands to replay")
    if not np.isfinite(np.stack(actions)).all():
        raise misaligned(bag, COMMAND, "a command is not finite")
    return actions


def measured_joints(bag: Path, robot: RobotConfig) -> tuple[Floats, Floats]:
    """Seconds since the first command (n,) and measured arm joints (n, joints) [rad]."""
    merge = JointMerge(robot.joint_names, max_age_ns(robot.tick_rate_hz))
    stamps, rows, first = [], [], None
    for record in read(bag, frozenset((COMMAND, JOINT_STATES))):
        message = record.message()
        if record.topic == COMMAND:
            first = stamp_ns(message.header) if first is None and not message.hold else first
        elif (state := add_joints(merge, message, bag)) is not None:
            stamps.append(state.stamp_ns)
            rows.append(state.positions)
    if not rows or first is None:
        raise missing(bag, "no commands" if rows else f"no joint states: {merge.why_none()}")
    return (np.array(stamps) - first) / 1e9, np.array(rows)
