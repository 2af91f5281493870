"""What is refused before anything starts: each says what there is and what to do."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from segue_bringup.resolution import Plan

if TYPE_CHECKING:
    from segue_core.policy import PolicyInfo


_AT_THE_ROBOT = frozenset({"simulator", "hardware", "controller"})


def refuse_before_start(plan: Plan) -> str:
    """Everything of a graph that can be refused without starting it; what is doubtful, in words.

    Raises:
        SegueError: naming what does not fit, or is not there.
    """
    from segue_bringup.gazebo_needs import refuse_unstarted_gazebo

    doubts = refuse_unfit(plan)
    if _names(plan) & _AT_THE_ROBOT:
        refuse_unstarted_gazebo(plan.arguments)
        refuse_absent_device(plan)
    return doubts


def refuse_unfit(plan: Plan) -> str:
    """As `refuse_before_start`, of what does not fit; who starts Gazebo, too, asks no more."""
    names = _names(plan)
    refuse_bad_robot(plan)
    if "scheduler" in names:
        refuse_bad_methods(plan)
    if "policy" in names:
        refuse_bad_policy(plan)
    doubts = refuse_bad_progress(plan) if plan.arguments["progress"] else ""
    if names & _AT_THE_ROBOT:
        refuse_undescribed_hardware(plan)
        refuse_planner(plan)
    return doubts


def _names(plan: Plan) -> set[str]:
    return {node.name for node in plan.nodes}


def refuse_bad_robot(plan: Plan) -> None:
    """Raises ConfigError for a robot that does not fit its model file, or begins the task outside of its workspace."""
    from segue_bringup.catalogue import path_of
    from segue_control.robot.kinematics import refuse_start_outside
    from segue_core.contracts.files import load_file, load_robot
    from segue_core.contracts.task import TaskConfig

    robot = load_robot(str(path_of("robots", str(plan.arguments["robot"]))))
    task = load_file(str(path_of("tasks", str(plan.arguments["task"]))), TaskConfig, "task")
    refuse_start_outside(robot, task.start_pose)


def refuse_planner(plan: Plan) -> None:
    """Raises ConfigError when planned moves are asked of a planner that is not installed, or not told of the robot."""
    if plan.arguments["planned_moves"] and plan.arguments["planner"] == "moveit":
        from segue_bringup.catalogue import path_of
        from segue_control.planning.choice import uses_moveit
        from segue_core.contracts.files import load_robot

        uses_moveit(load_robot(str(path_of("robots", str(plan.arguments["robot"])))), "moveit")


_METHODS = (
    "continuation",
    "continuation_options",
    "corrector",
    "corrector_options",
    "termination",
    "rule_options",
)


def refuse_bad_methods(plan: Plan) -> None:
    """Raises ConfigError for a continuation, corrector, rule or latency that there is not, or an option it lacks."""
    from segue_bringup.catalogue import path_of
    from segue_core.contracts.base import parse_model
    from segue_core.contracts.files import load_robot
    from segue_core.latency import injected_latency
    from segue_core.scheduler_config import SchedulerConfig
    from segue_scheduler import bounded_corrector as correction
    from segue_scheduler import continuation, termination

    given = {name: plan.arguments[name] for name in _METHODS}
    config = parse_model(given, SchedulerConfig, "run")
    space = load_robot(str(path_of("robots", str(plan.arguments["robot"])))).action_space
    continuation.create(config.continuation, config.continuation_options)
    correction.create(config, space)
    termination.create(config, space)
    injected_latency(str(plan.arguments["latency"]), 0)


def refuse_unfit_lengths(plan: Plan, info: "PolicyInfo") -> None:
    """Raises SchedulerError for stride, delay and ramp that do not fit a policy, or a continuation it cannot serve."""
    from segue_core.contracts.base import parse_model
    from segue_core.contracts.plain import from_plain
    from segue_core.scheduler_config import ChunkSettings, SchedulerConfig
    from segue_scheduler.scheduler import ChunkScheduler

    given = {name: plan.arguments[name] for name in ChunkSettings.model_fields}
    told = from_plain(given, SchedulerConfig) | {"horizon": info.horizon}
    config = parse_model(told, SchedulerConfig, "run")
    ChunkScheduler(config, info.action_space, info)


def refuse_undescribed_hardware(plan: Plan) -> None:
    """Raises ConfigError when nothing says how the robot is reached, or where its pictures come from.

    What is named for a simulated robot is refused, too: nothing would come of it.
    """
    from segue_bringup.catalogue import path_of
    from segue_control.hardware.files import load_hardware
    from segue_core.contracts.files import load_robot
    from segue_core.errors import ConfigError, ErrorCode
    from segue_perception.camera_files import load_camera_set

    path = str(path_of("robots", str(plan.arguments["robot"])))
    robot, sim = load_robot(path), str(plan.arguments["sim"])
    asked = {name: str(plan.arguments[name]) for name in ("hardware", "camera_set")}
    if sim == "none" or asked["hardware"]:
        load_hardware(robot, path, asked["hardware"])
    if sim == "none" or asked["camera_set"]:
        load_camera_set(robot, path, asked["camera_set"])
    if sim != "none" and (without := [f"{name}:={value}" for name, value in asked.items() if value]):
        text = f"{' and '.join(without)} is for a robot that is no simulator's"
        raise ConfigError(
            ErrorCode.CONFIG_CONFLICT, text, got=f"sim:={sim}", do="leave it out, or say sim:=none as well"
        )


def refuse_absent_device(plan: Plan) -> None:
    """Raises ConfigError when a person is to command by a gamepad that is not there."""
    if "teleop" not in _names(plan):
        return
    from segue_core.contracts.files import load_file
    from segue_data.teleop.config import TeleopConfig
    from segue_data.teleop.inputs import refuse_absent

    config = load_file(str(plan.arguments["teleop_file"]), TeleopConfig, "teleoperation")
    refuse_absent(config, str(plan.arguments["teleop_device"]))


def refuse_bad_progress(plan: Plan) -> str:
    """Refuse an estimator that is missing, corrupt or for another robot; what is doubtful about it, in words."""
    from segue_bringup.catalogue import path_of
    from segue_core.contracts.files import load_file, load_robot
    from segue_core.contracts.task import TaskConfig
    from segue_policies.estimator_loading import check_estimator, doubt

    robot = load_robot(str(path_of("robots", str(plan.arguments["robot"]))))
    task = load_file(str(path_of("tasks", str(plan.arguments["task"]))), TaskConfig, "task")
    info = check_estimator(Path(str(plan.arguments["progress"])), tuple(robot.cameras))
    return doubt(info, task.instruction)


def refuse_bad_policy(plan: Plan) -> None:
    """Refuse a checkpoint that is missing, corrupt or for another robot, a device that is not there, unfit lengths."""
    from segue_bringup.catalogue import entry, path_of
    from segue_core.contracts.base import load_mapping
    from segue_core.contracts.files import load_file, load_robot
    from segue_core.contracts.task import TaskConfig
    from segue_policies.checkpoints.shipped import refuse_unshipped
    from segue_policies.deployment import Deployment, expected_by
    from segue_policies.method import find_method
    from segue_policies.policy_loading import check_policy
    from segue_policies.runtime import Runtime

    arguments = {name: str(value) for name, value in plan.arguments.items()}
    method = entry("policies", arguments["policy"])["method"]
    if not method:
        return  # a node of another package, which judges for itself
    if arguments["checkpoint"]:
        refuse_unshipped(Path(arguments["checkpoint"]), arguments["policy"], arguments["task"])
    robot = load_robot(str(path_of("robots", arguments["robot"])))
    deployment = Deployment(
        checkpoint=Path(arguments["checkpoint"]) if arguments["checkpoint"] else None,
        expected=expected_by(robot),
        runtime=Runtime(arguments["device"], cast(Any, arguments["dtype"])),
        options=load_mapping(arguments["policy_options"], "policy_options"),
        robot=robot,
        task=load_file(str(path_of("tasks", arguments["task"])), TaskConfig, "task"),
    )
    refuse_unfit_lengths(plan, check_policy(find_method(method), deployment))
