"""Names and types of the topics in a demonstration, in one place for writing and reading."""

from __future__ import annotations

from collections.abc import Iterable

from segue_data.bags.qos import RELIABLE, SENSOR
from segue_data.bags.topic import Topic

JOINT_STATES = "/joint_states"
CLOCK, CLOCK_TYPE = "/clock", "rosgraph_msgs/msg/Clock"  # recorded where it is the clock of a run
COMMAND = "/segue/command"
DISTURBED_COMMAND = "/segue/disturbed_command"
TASK_STATE = "/segue/task_state"
OBSERVATION = "/segue/observation"
SIM_STATE = "/sim/state"  # the whole world: for spectators and experts, for no policy that is not privileged
SIM_STATE_TYPE = "segue_interfaces/msg/SimState"

IMAGINED = "imagined"  # what a policy expects to see, as if a camera of that name saw it

_IMAGE_TYPES = {
    "sensor_msgs/msg/CompressedImage": "image_raw/compressed",
    "sensor_msgs/msg/Image": "image_raw",
}


def image_topic(camera: str, type_name: str = "sensor_msgs/msg/CompressedImage") -> str:
    """Topic of a camera of the robot contract (`head` -> `/head_camera/image_raw/compressed`)."""
    return f"/{camera}_camera/{_IMAGE_TYPES[type_name]}"


def image_topics(camera: str) -> tuple[str, ...]:
    """Topics that may carry this camera's frames, best first."""
    return tuple(image_topic(camera, kind) for kind in _IMAGE_TYPES)


def is_picture(topic: str) -> bool:
    """Whether a topic is named as one of pictures that a camera of a robot may send (depth and video are not)."""
    depth = any(part == "depth" or part.startswith("aligned_depth") for part in topic.split("/"))
    return not depth and topic.endswith(tuple(f"/{name}" for name in _IMAGE_TYPES.values()))


PAUSED = "/sim/paused"  # whether the world stands: what passes on the wall clock then makes nobody late

LATCHED_TOPICS = {
    PAUSED: "std_msgs/msg/Bool",
    "/segue/policy_info": "segue_interfaces/msg/PolicyInfo",
    "/robot_description": "std_msgs/msg/String",
    "/tf_static": "tf2_msgs/msg/TFMessage",
}
"""Published once for late joiners; a recording repeats the last message at its beginning."""

GATHERED_TOPICS = frozenset({"/tf_static"})
"""Latched topics that several nodes publish, each its own part: all of them are repeated."""


def run_topics(cameras: Iterable[str]) -> dict[str, str]:
    """Topics of a live run that are recorded by default, with their types as published."""
    ours = "segue_interfaces/msg/"
    cameras = tuple(cameras)
    shown = (*cameras, IMAGINED)
    images = {image_topic(name, "sensor_msgs/msg/Image"): "sensor_msgs/msg/Image" for name in shown}
    infos = {f"/{name}_camera/camera_info": "sensor_msgs/msg/CameraInfo" for name in cameras}
    return {
        JOINT_STATES: "sensor_msgs/msg/JointState",
        **images,
        **infos,
        COMMAND: ours + "RobotCommand",
        TASK_STATE: ours + "TaskState",
        "/segue/state": ours + "SchedulerState",
        "/segue/scheduler_input": ours + "SchedulerInput",
        "/segue/chunk": ours + "ActionChunk",
        "/segue/progress": ours + "Progress",
        "/segue/safety": ours + "SafetyState",
        "/joint_command": "trajectory_msgs/msg/JointTrajectory",
        SIM_STATE: SIM_STATE_TYPE,
        "/tf": "tf2_msgs/msg/TFMessage",
        "/segue/chunk_path": "visualization_msgs/msg/MarkerArray",
        "/diagnostics": "diagnostic_msgs/msg/DiagnosticArray",
        **LATCHED_TOPICS,
    }


def demonstration_topics(cameras: Iterable[str]) -> dict[str, Topic]:
    """What a lockstep demonstration records."""
    command = Topic("segue_interfaces/msg/RobotCommand", RELIABLE)
    images = {image_topic(name): Topic("sensor_msgs/msg/CompressedImage", SENSOR) for name in cameras}
    return {
        JOINT_STATES: Topic("sensor_msgs/msg/JointState", SENSOR),
        COMMAND: command,
        DISTURBED_COMMAND: command,
        TASK_STATE: Topic("segue_interfaces/msg/TaskState", RELIABLE),
        **images,
    }
