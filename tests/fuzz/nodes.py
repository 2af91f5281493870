"""The nodes themselves: their callbacks, services and goals are given damaged messages as the executor would give them.

Whatever a callback raises would end the node, and with it the run. Nothing is spun: time passes where a test says so.
"""

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
import yaml
from builtin_interfaces.msg import Time
from hypothesis import strategies as st
from rclpy.action import ActionServer
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from segue_control.guard.safety_guard import GuardMode
from segue_control.node.controller_node import ControllerNode
from segue_control.node.hardware_node import HardwareNode
from segue_control.node.move_node import MoverNode
from segue_control.node.scene_messages import Marker, MarkerArray
from segue_core import wire
from segue_core.chunk import ActionChunk
from segue_core.contracts.robot import RobotConfig
from segue_core.files import load_config
from segue_core.observation import Observation
from segue_core.policy import PolicyInfo
from segue_core.task_state import TaskState
from segue_core.wire import info_of
from segue_data.bags.encoding import ImageCodec
from segue_data.node.recorder_node import Recorder
from segue_data.node.teleop_node import TeleopNode
from segue_interfaces.action import MoveTo, PredictChunk, RunTask
from segue_interfaces.msg import ActionChunk as ActionChunkMsg
from segue_interfaces.msg import Observation as ObservationMsg
from segue_interfaces.msg import PolicyInfo as PolicyInfoMsg
from segue_interfaces.msg import Progress as ProgressMsg
from segue_interfaces.msg import RobotCommand, SchedulerInput, SimState
from segue_interfaces.msg import TaskState as TaskStateMsg
from segue_interfaces.srv import Arm
from segue_perception.colours import decompressed, to_rgb
from segue_perception.node.cameras_node import CamerasNode
from segue_perception.node.perception_node import PerceptionNode
from segue_perception.node.topic_camera import calibration
from segue_policies.node.policy import PolicyNode
from segue_ros import conversions, images
from segue_ros.conversions import info_to_msg
from segue_ros.joint_states import JointStateReader
from segue_scheduler.node.scheduler_node import SchedulerNode
from segue_scheduler.node.session import Session
from segue_scheduler.wire import estimate_of, input_of
from segue_sim.node.rehearsal_node import RehearsalRobot
from segue_sim.node.sensor_messages import state_of
from segue_sim.node.simulator_node import SimulatorNode
from segue_sim.node.state_publisher_node import StatePublisherNode

from .campaign import ROOT
from .checkpoints import check_info
from .messages import changed
from .reader import Reader, must

ROBOT_FILE = ROOT / "config/robots/franka.yaml"
TASK_FILE = ROOT / "config/tasks/pick_peach.yaml"
EMPTY_TABLE = ROOT / "config/tasks/reach_target.yaml"
STAMP = Time(sec=100, nanosec=0)
TICK = 3000


@cache
def robot() -> RobotConfig:
    return load_config(ROBOT_FILE, RobotConfig)


def _info() -> PolicyInfo:
    space = robot().action_space
    return PolicyInfo("hold", space, 60, 1, 30.0, (), (16, 16), frozenset({"per_step_guidance"}), 60, 60)


def _observation() -> ObservationMsg:
    space, picture = robot().action_space, np.full((24, 32, 3), 90, np.uint8)
    seen = Observation(TICK, np.zeros(space.dim, np.float32), {"head": picture})
    return conversions.observation_to_msg(seen, space, STAMP, {"head": STAMP}, 0.0)


def _chunk() -> ActionChunkMsg:
    space = robot().action_space
    rows = np.zeros((60, space.dim), np.float32)
    return conversions.chunk_to_msg(ActionChunk(rows, TICK, "hold", 1, 0.5, False), space, STAMP)


def _command() -> RobotCommand:
    space = robot().action_space
    return conversions.command_to_msg(
        wire.Command(TICK, "run", np.zeros(space.dim), hold=False, starved=False), space, STAMP
    )


def _joints() -> JointState:
    names = [*robot().joint_names, *robot().gripper_names]
    at = [*robot().pose_rad("home"), *([1.0] * len(robot().gripper_names))]
    message = JointState(name=names, position=at, velocity=[0.0] * len(at))
    message.header.stamp = STAMP
    return message


def _image() -> Image:
    return images.to_message(np.full((24, 32, 3), 90, np.uint8), "rgb8", STAMP, "camera")


def _compressed() -> CompressedImage:
    codec = ImageCodec("png")
    return CompressedImage(
        format=codec.label, data=codec.encode(np.full((24, 32, 3), 90, np.uint8)).tobytes()
    )


def _camera_info() -> CameraInfo:
    message = CameraInfo(width=32, height=24, distortion_model="plumb_bob", d=[0.0] * 5)
    message.k = [30.0, 0.0, 16.0, 0.0, 30.0, 12.0, 0.0, 0.0, 1.0]
    return message


def _scene() -> MarkerArray:
    marker = Marker(ns="box", type=Marker.CUBE, action=Marker.ADD)
    marker.scale.x = marker.scale.y = marker.scale.z = 0.1
    marker.pose.orientation.w = 1.0
    return MarkerArray(markers=[marker])


def _task_state() -> TaskStateMsg:
    return conversions.task_state_to_msg(TaskState(False, 0.5, 1, 2, "x"), "pick_peach", 3, STAMP)


def _trajectory() -> JointTrajectory:
    names = [*robot().joint_names, *robot().gripper_names]
    point = JointTrajectoryPoint(positions=[*robot().pose_rad("home"), 1.0])
    return JointTrajectory(joint_names=names, points=[point])


def _scheduler_input() -> SchedulerInput:
    message = SchedulerInput(run_id="run", tick=TICK, has_task=True, task=_task_state(), chunks=[_chunk()])
    message.measured = [0.0] * robot().action_space.dim
    return message


def _goal() -> PredictChunk.Goal:
    dim = robot().action_space.dim
    goal = PredictChunk.Goal(start_tick=TICK, sequence=1, sampling="plain", horizon=60, dim=dim)
    goal.reference = [0.0] * (60 * dim)
    goal.guidance.omega = [0.0] * 60
    goal.option_names, goal.option_values = ["candidates"], [2.0]
    return goal


_MADE: Mapping[type, Callable[[], Any]] = {
    ObservationMsg: _observation, ActionChunkMsg: _chunk, RobotCommand: _command, JointState: _joints, Image: _image,
    CompressedImage: _compressed, CameraInfo: _camera_info, MarkerArray: _scene, TaskStateMsg: _task_state,
    JointTrajectory: _trajectory, SchedulerInput: _scheduler_input,
    PolicyInfoMsg: lambda: info_to_msg(_info(), "hold", STAMP),
    RunTask.Goal: lambda: RunTask.Goal(task="pick_peach", policy="hold", seed=1),
    MoveTo.Goal: lambda: MoveTo.Goal(pose="home", speed=1.0),
    PredictChunk.Goal: _goal,
    SimState: lambda: SimState(task="pick_peach", seed=1, values=[0.0] * 20),
    Arm.Request: lambda: Arm.Request(arm=True),
}  # fmt: skip


def made(kind: type) -> Any:
    """A message of a kind as it should be."""
    return _MADE.get(kind, kind)()


def conversion(name: str, kind: type, read: Callable[[Any], object], check: Callable[[Any], None]) -> Reader:
    """A function that takes a message."""
    return Reader(name, changed(made(kind)), lambda message, _: read(message), check)


def _finite(*values: Any) -> None:
    must(all(bool(np.isfinite(value).all()) for value in values), "a number is not finite", values)


def _picture(found: Any) -> None:
    must(found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3, "no picture", found.shape)
    must(max(found.shape) <= 32_768, "a picture without end", found.shape)


def _request(message: Any) -> object:
    return conversions.request_from_goal(message, [conversions.observation_from_msg(_observation())])


_CONVERSIONS: Mapping[str, tuple[type, Callable[[Any], object], Callable[[Any], None]]] = {
    "message Observation": (
        ObservationMsg,
        conversions.observation_from_msg,
        lambda seen: _finite(seen.state),
    ),
    "message PolicyInfo": (PolicyInfoMsg, info_of, check_info),
    "message ActionChunk": (
        ActionChunkMsg,
        lambda message: wire.chunk_of(message, robot().action_space),
        lambda chunk: must(chunk.actions.shape[1] > 0, "no rows", chunk),
    ),
    "message RobotCommand": (
        RobotCommand,
        lambda message: wire.command_of(message, robot().action_space),
        lambda command: must(command.action.ndim == 1, "no vector", command),
    ),
    "message TaskState": (TaskStateMsg, wire.task_state_of, lambda state: _finite(state.score)),
    "message JointState": (
        JointState,
        lambda message: JointStateReader(robot()).read(message),
        lambda sample: None if sample is None else _finite(sample.q, sample.grippers),
    ),
    "message Image": (Image, to_rgb, _picture),
    "message CompressedImage": (CompressedImage, lambda message: decompressed(message.data), _picture),
    "message CameraInfo": (
        CameraInfo,
        lambda message: calibration(message, "camera"),
        lambda found: _finite(found.fx, found.fy, found.cx, found.cy, found.distortion),
    ),
    "message SchedulerInput": (SchedulerInput, input_of, lambda inputs: None),
    "message Progress": (
        ProgressMsg,
        estimate_of,
        lambda estimate: must(0 <= estimate.progress <= 1, "no share", estimate),
    ),
    "message SimState": (SimState, state_of, lambda state: _finite(state.values)),
    "goal PredictChunk": (
        PredictChunk.Goal,
        _request,
        lambda request: _finite(request.reference, request.omega),
    ),
}


class Hosted:
    """A node that is configured and active, and what it can be told: topics, services and goals by their names."""

    def __init__(self, create: Callable[[], Any]) -> None:
        _init()
        self.node = create()
        must(self.node.trigger_configure().name == "SUCCESS", "it is not configured", self.node._refusal)
        must(self.node.trigger_activate().name == "SUCCESS", "it is not active", self.node.get_name())
        self.doors: dict[str, tuple[type, Callable[[Any], object]]] = {}
        for told in self.node.subscriptions:
            self.doors[told.topic_name] = (told.msg_type, partial(_tell, told))
        for served in self.node.services:
            if served.srv_type.__module__.startswith("segue_interfaces"):
                answer = partial(_ask, served.callback, served.srv_type.Response)
                self.doors[served.service_name] = (served.srv_type.Request, answer)
        for waitable in self.node.waitables:
            if isinstance(waitable, ActionServer) and hasattr(waitable, "_goal_callback"):
                goal = waitable.action_type.Goal
                self.doors[f"{waitable.action_type.__name__} goal"] = (goal, waitable._goal_callback)

    def inputs(self) -> st.SearchStrategy[list[tuple[str, Any]]]:
        """One to four messages, through any of the doors."""
        each = {door: changed(made(kind)).map(partial(_to, door)) for door, (kind, _) in self.doors.items()}
        return st.lists(
            st.sampled_from(sorted(each)).flatmap(lambda door: each[door]), min_size=1, max_size=4
        )

    def take(self, given: list[tuple[str, Any]], _: Path) -> None:
        """Through the doors, one after the other."""
        for door, message in given:
            self.doors[door][1](message)


def _to(door: str, message: Any) -> tuple[str, Any]:
    return door, message


_INFO = {"publisher_gid": None, "received_timestamp": 1, "source_timestamp": 1}


def _tell(subscription: Any, message: Any) -> None:
    callback = subscription.callback
    given = serialize_message(message) if subscription.raw else message
    takes_info = len(inspect.signature(callback).parameters) == 2
    _begun(callback(given, _INFO) if takes_info else callback(given))


def _ask(callback: Callable[[Any, Any], object], response: Callable[[], object], request: Any) -> None:
    _begun(callback(request, response()))


def _begun(result: object) -> None:
    """A callback that waits is run as far as it comes without anybody else."""
    if inspect.iscoroutine(result):
        with suppress(StopIteration):
            result.send(None)
        result.close()


_DEVICE = "device"
_HARDWARE = {
    "backend": "topics",
    "options": {
        "states": [{"topic": f"{_DEVICE}/joint_states"}],
        "grippers": {
            "arm_gripper": {"joint": "finger", "closed": 0.0, "open": 0.04, "command": {"kind": "none"}}
        },
        "commands": [{"kind": "joint_trajectory", "topic": f"{_DEVICE}/trajectory"}],
    },
}
_CAMERAS = {
    "cameras": {
        name: {"driver": "topic", "options": {"image": f"{_DEVICE}/{name}/image_raw"}}
        for name in robot().cameras
    }
}


def _written(name: str, content: Mapping[str, Any]) -> Path:
    path = Path.cwd().parent / name
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@cache
def _device() -> Any:
    """Who is behind the hardware and the cameras node: somebody must be there, and says nothing."""
    _init()
    node = rclpy.create_node(_DEVICE)
    node.create_publisher(JointState, f"{_DEVICE}/joint_states", 1)
    node.create_subscription(JointTrajectory, f"{_DEVICE}/trajectory", lambda _: None, 1)
    for name in robot().cameras:
        node.create_publisher(Image, f"{_DEVICE}/{name}/image_raw", 1)
    return node


@cache
def _init() -> None:
    files = {"robot_file": ROBOT_FILE, "task_file": TASK_FILE, "autostart": "false"}
    own = {
        "scheduler": {**files, "task": "pick_peach", "policy": "hold"},
        "controller": {"robot_file": ROBOT_FILE, "autostart": "false"},
        "perception": {"robot_file": ROBOT_FILE, "autostart": "false"},
        "mover": {"robot_file": ROBOT_FILE, "autostart": "false"},
        "policy": {**files, "method": "hold"},
        "recorder": {**files, "root": Path.cwd().parent / "recorded"},
        "state_publisher": {
            "robot_file": ROBOT_FILE,
            "autostart": "false",
            "meshes": Path.cwd().parent / "meshes",
        },
        "simulator": {"robot_file": ROBOT_FILE, "task_file": EMPTY_TABLE, "waits": "true"},
        "arm_controller": {"robot_file": ROBOT_FILE, "task_file": EMPTY_TABLE},
        "hardware": {
            "robot_file": ROBOT_FILE,
            "hardware": _written("hardware.yaml", _HARDWARE),
            "autostart": "false",
        },
        "cameras": {
            "robot_file": ROBOT_FILE,
            "camera_set": _written("cameras.yaml", _CAMERAS),
            "autostart": "false",
        },
        "teleop": {**files, "teleop_file": ROOT / "config/teleop/leader.yaml"},
    }
    words = [
        word
        for node, given in own.items()
        for name, value in given.items()
        for word in ("-p", f"{node}:{name}:={value}")
    ]
    rclpy.init(args=["fuzz", "--ros-args", "--log-level", "FATAL", *words])


def _node(name: str, create: Callable[[], Any], _: Path) -> Reader:
    hosted = Hosted(create)
    return Reader(name, hosted.inputs(), hosted.take, lambda nothing: None)


def _controller(_: Path) -> Reader:
    """Beside that it lives: what it says to the joints is finite, inside limits, and no faster than they may be."""
    hosted = Hosted(ControllerNode)
    node, model = hosted.node, robot()
    told: list[JointTrajectory] = []
    node._commands = _Spy(told.append)
    home = np.array(model.pose_rad("home"))

    def take(given: list[tuple[str, Any]], folder: Path) -> list[np.ndarray[Any, Any]]:
        told.clear()
        node._controller.guard.restart()
        node._on_joint_states(_joints())
        node._controller.arm(np.ones(len(model.gripper_names)), node._steady_ns())
        for door, message in given:
            hosted.doors[door][1](message)
            for _ in range(4):
                node._update(node.get_clock().now().nanoseconds, node._steady_ns())
        return [np.array(message.points[0].positions[: len(home)]) for message in told]

    def check(rows: list[np.ndarray[Any, Any]]) -> None:
        dt, fastest = 1.0 / model.control_rate_hz, np.array(model.limits.velocity_rad_s)
        for before, after in zip([home, *rows], rows, strict=False):
            must(bool(np.isfinite(after).all()), "a command is not finite", after)
            must(
                bool((np.abs(after - before) <= fastest * dt * 1.001 + 1e-9).all()),
                "too fast",
                after - before,
            )
        must(node._controller.guard.mode in GuardMode, "a mode", node._controller.guard.mode)

    return Reader("node controller", hosted.inputs(), take, check)


def _scheduler(_: Path) -> Reader:
    """In the middle of a run: it goes on, or ends with its reason, and what it commands is finite."""
    hosted = Hosted(SchedulerNode)
    node: Any = hosted.node
    told: list[RobotCommand] = []
    node._command_out = _Spy(told.append)
    node._predict = _Asked()
    hosted.doors["answer"] = (ActionChunkMsg, node._on_chunk)

    def take(given: list[tuple[str, Any]], _: Path) -> list[RobotCommand]:
        told.clear()
        tick, now_s = node.tick, node.get_clock().now().nanoseconds * 1e-9
        spec = node._server._spec(RunTask.Goal())
        config = spec.config.model_copy(update={"horizon": 60, "termination": ("time_limit",)})
        node.session = Session(replace(spec, config=config), node.space, _info(), node._server._lease(), 15)
        node.measured, node.measured_at = np.zeros(node.space.dim), tick
        node._step(node.session, tick, now_s)
        for number, (door, message) in enumerate(given, start=1):
            if door == "answer" and message.start_tick == TICK:
                message.start_tick = tick
            hosted.doors[door][1](message)
            for late in range(3):
                node._step(node.session, tick + 3 * number + late, now_s)
        node.session = None
        return list(told)

    def check(commands: list[RobotCommand]) -> None:
        for command in commands:
            must(bool(np.isfinite(command.action).all()), "a command is not finite", command)
            must(len(command.action) == node.space.dim, "a command is of another width", command)

    return Reader("node scheduler in a run", hosted.inputs(), take, check)


def _hardware(_: Path) -> Reader:
    """In motion: what is passed on to the device is finite, inside the limits, and no faster than joints may be."""
    _device()
    hosted = Hosted(HardwareNode)
    node, model = hosted.node, robot()
    told: list[JointTrajectory] = []
    node._backend.writers[f"/{_DEVICE}/trajectory"]._out = _Spy(told.append)

    def take(given: list[tuple[str, Any]], _: Path) -> list[JointTrajectory]:
        told.clear()
        node._link.recover()
        hosted.doors[f"/{_DEVICE}/joint_states"][1](_device_joints())
        node._update()
        hosted.doors["/joint_command"][1](_trajectory())
        for door, message in given:
            hosted.doors[door][1](message)
            node._update()
        return list(told)

    def check(sent: list[JointTrajectory]) -> None:
        fastest = np.array(model.limits.velocity_rad_s)
        for point in (point for message in sent for point in message.points):
            must(
                bool(np.isfinite([*point.positions, *point.velocities]).all()),
                "a command is not finite",
                point,
            )
            must(bool((np.abs(point.velocities) <= fastest * 1.01 + 1e-6).all()), "too fast", point)

    return Reader("node hardware", hosted.inputs(), take, check)


def _device_joints() -> JointState:
    message = _joints()
    return JointState(
        name=[*robot().joint_names, "finger"],
        position=[*robot().pose_rad("home"), 0.04],
        header=message.header,
    )


def _rehearsal(_: Path) -> Reader:
    """Whatever it is told, its world stays one of finite joints."""
    hosted = Hosted(RehearsalRobot)

    def take(given: list[tuple[str, Any]], _: Path) -> Any:
        now_s = hosted.node.get_clock().now().nanoseconds * 1e-9
        for number, (door, message) in enumerate(given, start=1):
            hosted.doors[door][1](message)
            hosted.node.advance(now_s + 0.01 * number)
        return hosted.node.world.joint_positions()

    return Reader("node rehearsal", hosted.inputs(), take, _finite)


def _cameras(_: Path) -> Reader:
    _device()
    return _node("node cameras", CamerasNode, _)


@dataclass
class _Spy:
    """A publisher whose messages stay here."""

    publish: Callable[[Any], None]


@dataclass
class _Asked:
    """A policy that is asked and never answers by itself."""

    pending: int | None = None

    def ask(self, goal: PredictChunk.Goal) -> None:
        self.pending = int(goal.sequence)

    def destroy(self) -> None:
        self.pending = None


NODES: Mapping[str, Callable[[Path], Reader]] = {
    **{name: (lambda _, n=name, c=case: conversion(n, *c)) for name, case in _CONVERSIONS.items()},
    "node scheduler": partial(_node, "node scheduler", SchedulerNode),
    "node scheduler in a run": _scheduler,
    "node controller": _controller,
    "node perception": partial(_node, "node perception", PerceptionNode),
    "node mover": partial(_node, "node mover", MoverNode),
    "node policy": partial(_node, "node policy", PolicyNode),
    "node recorder": partial(_node, "node recorder", Recorder),
    "node simulator": partial(_node, "node simulator", SimulatorNode),
    "node rehearsal": _rehearsal,
    "node hardware": _hardware,
    "node cameras": _cameras,
    "node teleop": partial(_node, "node teleop", TeleopNode),
    "node state_publisher": partial(_node, "node state_publisher", StatePublisherNode),
}
