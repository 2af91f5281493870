"""Recorded joint states, of one publisher or of several, as they are merged live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segue_core.joint_state_merge import JointMerge, MergedJoints
from segue_data.bags.reader import stamp_ns
from segue_data.bags.topics import JOINT_STATES
from segue_data.errors import misaligned


def add_joints(merge: JointMerge, message: Any, bag: Path) -> MergedJoints | None:
    """Take a sensor_msgs/JointState; the whole state that is known with it, if there is one.

    Raises:
        DataError: names and positions do not belong together.
    """
    if len(message.position) != len(message.name):
        what = f"{len(message.position)} positions for {len(message.name)} names"
        raise misaligned(bag, JOINT_STATES, what)
    return merge.add(message.name, message.position, stamp_ns(message.header))


def why_no_state(merge: JointMerge) -> str:
    """Why there is no whole state of what was taken, and what to do."""
    do = "merge all joints into one topic with joint_state_publisher (its parameter source_list), or mend the driver"
    return f"{merge.why_none()}; {do}"
