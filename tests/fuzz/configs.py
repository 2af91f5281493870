"""Every kind of YAML, and what must hold of the numbers in it whatever was written."""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from segue_bringup.graph import Graph
from segue_control.hardware.franka import FrankaOptions
from segue_control.hardware.settings import TopicOptions
from segue_control.robot.model import robot_spec
from segue_core.contracts.base import StrictModel, parse_model
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.files import load_config
from segue_data.teleop.config import TeleopConfig
from segue_eval.suite.spec import SuiteSpec
from segue_perception.camera_config import CameraSet
from segue_perception.drivers.realsense import RealSenseOptions
from segue_perception.drivers.replay import ReplayOptions
from segue_perception.drivers.usb import UsbOptions
from segue_perception.node.topic_camera import TopicCameraOptions
from segue_policies.policy_entry import PolicyEntry
from segue_policies.training.command.arguments import read_settings
from segue_policies.training.command.policy_set import is_set, stages
from segue_policies.training.command.train import parse_settings

from .campaign import ROOT
from .reader import Reader, must, one_file

CONFIG = ROOT / "config"
_DRIVERS: Mapping[str, type[StrictModel]] = {
    "usb": UsbOptions,
    "realsense": RealSenseOptions,
    "replay": ReplayOptions,
}
FASTEST_RAD_S, STRONGEST_N_M, FURTHEST_M = 100.0, 1e4, 100.0


def numbers(value: Any, place: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a model, and where it is."""
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from numbers(part, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for part in value:
            yield from numbers(part, place)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, value


def finite(value: Any) -> None:
    """Every number that a model declares is finite and of this world; options that nobody has looked at yet aside."""
    for place, number in numbers(value):
        opened = any(
            part in place
            for part in ("options", "goal", "scheduler", "parameters", "default", "values", "when")
        )
        must(
            opened or (math.isfinite(number) and abs(number) <= 2**53),
            f"{place} is out of this world",
            number,
        )


def _check_robot(robot: RobotConfig) -> None:
    finite(robot)
    limits = robot.limits
    for values, most in (
        (limits.velocity_rad_s, FASTEST_RAD_S), (limits.acceleration_rad_s2, 1e4), (limits.jerk_rad_s3, 1e7),
    ):  # fmt: skip
        must(all(0 < value <= most for value in values), "a limit must be above 0 and below a bound", values)
        must(len(values) == len(robot.arms[0].joints), "a limit is for each joint", values)
    for arm in robot.arms:
        must(
            all(0 < torque <= STRONGEST_N_M for torque in arm.torque_n_m),
            "a torque is positive",
            arm.torque_n_m,
        )
        must(
            min(*arm.damping, *arm.stiffness) >= 0, "a damper or spring pushes", (arm.damping, arm.stiffness)
        )
        must(all(abs(angle) <= 100 for angle in arm.home_rad), "home is nowhere", arm.home_rad)
    safety = robot.safety
    for seconds in (safety.command_timeout_s, safety.state_timeout_s, safety.robot_timeout_s):
        must(0 < seconds <= 60, "a watchdog that does not watch", seconds)
    must(
        all(a <= b for a, b in zip(robot.workspace.low, robot.workspace.high, strict=True)),
        "no box",
        robot.workspace,
    )
    must(robot.control_rate_hz >= robot.tick_rate_hz, "rates", robot.control_rate_hz)


def _check_model(robot: RobotConfig) -> None:
    """What the robot's own joints allow: checked where its model is built."""
    _check_robot(robot)
    model = robot_spec(robot).compile()
    for name, angle in zip(robot.joint_names, robot.pose_rad("home"), strict=True):
        joint = model.joint(name)
        low, high = joint.range
        inside = not model.jnt_limited[joint.id] or low <= angle <= high
        must(inside, f"home of {name} is outside of its limits {low} to {high}", angle)
    must(bool((model.dof_damping >= 0).all()), "a joint pushes itself", model.dof_damping)


def _read_model(path: Path) -> RobotConfig:
    robot = load_config(path, RobotConfig, "robot")
    robot_spec(robot).compile()
    return robot


def _check_task(task: TaskConfig) -> None:
    finite(task)
    for region in (
        task.object_region,
        *task.object_regions.values(),
        *(f.region for f in task.fixtures.values()),
    ):
        for low, high in (region.x, region.y):
            must(low <= high and max(abs(low), abs(high)) <= FURTHEST_M, "a region is no place", region)
    must(0 < task.time_limit_s <= 86_400, "a time limit", task.time_limit_s)
    must(task.object_gap > 0, "a gap", task.object_gap)


def _read_hardware(path: Path) -> HardwareConfig:
    """As the hardware node: the file, and what its back end makes of the options."""
    config = load_config(path, HardwareConfig, "hardware")
    models: Mapping[str, type[StrictModel]] = {"franka": FrankaOptions}
    options = models.get(config.backend, TopicOptions)
    finite(parse_model(config.options, options, f"{path}: options"))
    return config


def _read_cameras(path: Path) -> CameraSet:
    """As the cameras' node: the file, and what each driver makes of its options."""
    cameras = load_config(path, CameraSet, "camera set")
    for name, source in cameras.cameras.items():
        options = _DRIVERS.get(source.driver, TopicCameraOptions)
        finite(parse_model(source.options, options, f"{path}: camera '{name}': options"))
    return cameras


def _read_training(path: Path) -> object:
    settings = read_settings(path)
    if not is_set(settings):
        return parse_settings(settings, str(path))
    made = stages(settings, str(path), "pick_place", path.parent / "out")
    return [parse_settings(stage.settings, str(path)) for stage in made]


def _config(
    name: str, read: Callable[[Path], object], check: Callable[[Any], None], file: str, _: Path
) -> Reader:
    return one_file(name, Path(file).name, (CONFIG / file).read_bytes(), read, check)


def _model(model: type[StrictModel]) -> Callable[[Path], object]:
    return partial(load_config, model=model)


KINDS: tuple[tuple[str, Callable[[Path], object], Callable[[Any], None], str], ...] = (
    ("robot fetch", _model(RobotConfig), _check_robot, "robots/fetch.yaml"),
    ("robot dual_arm", _model(RobotConfig), _check_robot, "robots/dual_arm.yaml"),
    ("robot model", _read_model, _check_model, "robots/jaco2.yaml"),
    ("task with a script", _model(TaskConfig), _check_task, "tasks/toy_to_drawer.yaml"),
    ("task with things", _model(TaskConfig), _check_task, "tasks/stack_wine.yaml"),
    ("task with a base", _model(TaskConfig), _check_task, "tasks/open_fridge.yaml"),
    ("policy", _model(PolicyEntry), finite, "policies/scripted.yaml"),
    ("hardware by topics", _read_hardware, finite, "hardware/arx.yaml"),
    ("hardware franka", _read_hardware, finite, "hardware/franka.yaml"),
    ("camera set", _read_cameras, finite, "cameras/franka_realsense_ros.yaml"),
    ("teleoperation", _model(TeleopConfig), finite, "teleop/gamepad.yaml"),
    ("training", _read_training, finite, "training/act_small.yaml"),
    ("training of a set", _read_training, finite, "training/legato_tables.yaml"),
    ("suite", _model(SuiteSpec), finite, "suites/legato-table1.yaml"),
    ("graph", _model(Graph), finite, "graph/task.yaml"),
)
CONFIGS: Mapping[str, Callable[[Path], Reader]] = {
    name: partial(_config, name, read, check, file) for name, read, check, file in KINDS
}
