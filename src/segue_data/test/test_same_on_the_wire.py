"""A message that is written to a bag without ROS is, value for value, the one that a node sends."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from rclpy.serialization import serialize_message

from segue_core import wire
from segue_core.action_space import DUAL_ARM_EE
from segue_core.chunk import ActionChunk
from segue_core.policy import PolicyInfo
from segue_core.task_state import TaskState
from segue_data.bags.definitions import typestore
from segue_data.bags.messages import build, header
from segue_interfaces import msg
from segue_ros import conversions, ticks

ROWS = np.random.default_rng(0).normal(size=(6, DUAL_ARM_EE.dim)).astype(np.float32)
INFO = PolicyInfo("test", DUAL_ARM_EE, 60, 5, 30.0, ("head",), (96, 72), frozenset({"streaming"}), 10, 50)
FIELDS: dict[str, dict[str, Any]] = {
    "ActionChunk": wire.chunk_fields(
        ActionChunk(ROWS, 9, "policy", 3, 0.5, complete=False), DUAL_ARM_EE, 0.1
    ),
    "RobotCommand": wire.command_fields(
        wire.Command(7, "run", np.arange(14) / 3, hold=False, starved=True), DUAL_ARM_EE
    ),
    "TaskState": wire.task_state_fields(TaskState(True, 0.75, 2, 3, "two of three"), "task", 5),
    "PolicyInfo": wire.info_fields(INFO, "instance"),
}


@pytest.mark.parametrize("name", FIELDS)
def test_bags_and_nodes_write_the_same_values(name: str) -> None:
    stamp_ns, kind = 1_234_567_890, f"segue_interfaces/msg/{name}"
    recorded = build(kind, header=header(stamp_ns), **FIELDS[name])
    sent = conversions.build(getattr(msg, name), ticks.stamp(stamp_ns), FIELDS[name])
    store = typestore()
    received = store.deserialize_cdr(serialize_message(sent), kind)  # ROS leaves padding as it was in memory
    assert bytes(store.serialize_cdr(recorded, kind)) == bytes(store.serialize_cdr(received, kind))
