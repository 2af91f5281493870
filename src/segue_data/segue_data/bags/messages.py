"""Build the messages of a demonstration (as `rosbags` objects) from plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.interfaces import Nodetype

from segue_core import wire
from segue_core.action_space import ActionSpace
from segue_core.task_state import TaskState
from segue_data.bags.definitions import typestore
from segue_data.bags.reader import NANOSECONDS

BASE_FRAME = "base_link"


def _zero(description: Any) -> Any:
    kind, detail = description
    if kind == Nodetype.BASE:
        return "" if detail[0] == "string" else False if detail[0] == "bool" else 0
    if kind == Nodetype.NAME:
        return build(detail)
    element, length = detail
    if element[0] == Nodetype.BASE and element[1][0] != "string":
        return np.zeros(length, dtype=np.dtype(element[1][0]))
    return [_zero(element) for _ in range(length)]


@cache
def _field_types(type_name: str) -> Mapping[str, Any]:
    return dict(typestore().fielddefs[type_name][1])


def build(type_name: str, **values: Any) -> Any:
    """Message of `type_name` with `values`; other fields are zero or empty. TypeError for unknown fields."""
    zeros = {n: _zero(d) for n, d in _field_types(type_name).items() if n not in values}
    return typestore().types[type_name](**zeros, **values)


def header(stamp_ns: int, frame: str = "") -> Any:
    """std_msgs/Header at `stamp_ns`."""
    stamp = build("builtin_interfaces/msg/Time", sec=stamp_ns // NANOSECONDS, nanosec=stamp_ns % NANOSECONDS)
    return build("std_msgs/msg/Header", stamp=stamp, frame_id=frame)


def joint_state(
    stamp_ns: int, names: Sequence[str], position: NDArray[np.float64], velocity: NDArray[np.float64]
) -> Any:
    """sensor_msgs/JointState; positions in rad (grippers: opening 0..1)."""
    return build(
        "sensor_msgs/msg/JointState",
        header=header(stamp_ns, BASE_FRAME),
        name=list(names),
        position=np.ascontiguousarray(position, dtype=np.float64),
        velocity=np.ascontiguousarray(velocity, dtype=np.float64),
    )


def compressed_image(stamp_ns: int, frame: str, data: NDArray[np.uint8], label: str) -> Any:
    """sensor_msgs/CompressedImage with already compressed bytes."""
    return build("sensor_msgs/msg/CompressedImage", header=header(stamp_ns, frame), format=label, data=data)


def robot_command(
    stamp_ns: int,
    tick: int,
    action: NDArray[np.float64],
    space: ActionSpace,
    run_id: str,
    *,
    starved: bool = False,
    hold: bool = False,
    correction: NDArray[np.float64] | None = None,
) -> Any:
    """segue_interfaces/RobotCommand of one control tick; `action` (D,) in the order of `space`."""
    command = wire.Command(tick, run_id, action, hold, starved, correction)
    fields = wire.command_fields(command, space)
    return build("segue_interfaces/msg/RobotCommand", header=header(stamp_ns, BASE_FRAME), **fields)


def task_state(stamp_ns: int, task: str, seed: int, state: TaskState) -> Any:
    """segue_interfaces/TaskState as the simulator or a detector reports it."""
    fields = wire.task_state_fields(state, task, seed)
    return build("segue_interfaces/msg/TaskState", header=header(stamp_ns), **fields)
