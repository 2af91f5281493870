"""Everything that MoveIt (2.12 to 2.15) asks of its node's parameters, made from a robot's contract."""

from typing import Any
from xml.etree import ElementTree as xml

import yaml

from segue_control.planning.semantics import planning_group, semantics
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.limits import joint_limits
from segue_core.contracts.planning import PlanningConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode

_PLANNER = "RRTConnectkConfigDefault"
_CONTROLLER, _ACTION = "segue", "follow_joint_trajectory"  # together the mover's action
_REQUEST_ADAPTERS = (
    "ResolveConstraintFrames",
    "ValidateWorkspaceBounds",
    "CheckStartStateBounds",
    "CheckStartStateCollision",
)
_RESPONSE_ADAPTERS = ("AddTimeOptimalParameterization", "ValidateSolution", "DisplayMotionPath")
_SETTLES_S = 5.0  # the mover arms before a trajectory and waits at its end

Parameters = dict[str, Any]


def moveit_parameters(robot: RobotConfig, urdf: str) -> Parameters:
    """Parameters of a node that has MoveItPy, or moveit_cpp, in it.

    Args:
        urdf: the robot's description, in the names of its contract.

    Raises:
        ConfigError: the contract names no planning group, or the URDF is that of another robot.
    """
    group = planning_group(robot)
    _refuse_another(robot, urdf)
    return {
        "robot_description": urdf,
        "robot_description_semantic": semantics(robot),
        "robot_description_kinematics": {arm.name: _kinematics() for arm in robot.arms},
        "robot_description_planning": _limits(robot),
        "planning_pipelines": {"pipeline_names": ["ompl"]},
        "ompl": _ompl(group),
        "plan_request_params": _request(robot.planning or PlanningConfig()),
        **_execution(robot),
    }


def parameter_file(parameters: Parameters) -> str:
    """A file for `--params-file` that gives them to every node that reads it, whatever its name and namespace."""
    return yaml.safe_dump({"/**": {"ros__parameters": parameters}}, sort_keys=False)


def move_group_parameters(parameters: Parameters) -> Parameters:
    """The same for move_group, which wants the pipelines' names in another place."""
    there = {key: value for key, value in parameters.items() if key != "plan_request_params"}
    pipelines = parameters["planning_pipelines"]["pipeline_names"]
    return {**there, "planning_pipelines": pipelines, "default_planning_pipeline": pipelines[0]}


def _refuse_another(robot: RobotConfig, urdf: str) -> None:
    root = xml.fromstring(urdf)
    joints = {joint.get("name") for joint in root.findall("joint")}
    links = {link.get("name") for link in root.findall("link")}
    missing = [name for name in (*robot.joint_names, *robot.finger_names) if name not in joints]
    missing += [name for arm in robot.arms if (name := f"{arm.name}_tool") not in links]
    if missing:
        text = f"robot_description {root.get('name')!r} has not the names of robot {robot.name!r}'s contract"
        do = "let Segue publish it (frames:=true): a driver's own description has the driver's names"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=f"no {', '.join(missing)}", do=do)


def _kinematics() -> Parameters:
    return {
        "kinematics_solver": "kdl_kinematics_plugin/KDLKinematicsPlugin",
        "kinematics_solver_search_resolution": 0.005,
        "kinematics_solver_timeout": 0.05,
    }


def _limits(robot: RobotConfig) -> Parameters:
    """The guard's own bounds; requests are scaled by the contract's shares."""
    kinematics = Kinematics(robot)
    limits = joint_limits(robot, kinematics.low, kinematics.high)
    columns = (limits.low, limits.high, limits.velocity, limits.acceleration, limits.jerk)
    rows = zip(robot.joint_names, *(column.tolist() for column in columns), strict=True)
    joints = {
        name: {
            "min_position": low,
            "max_position": high,
            "has_velocity_limits": True,
            "max_velocity": velocity,
            "has_acceleration_limits": True,
            "max_acceleration": acceleration,
            "has_jerk_limits": True,
            "max_jerk": jerk,
        }
        for name, low, high, velocity, acceleration, jerk in rows
    }
    clearance = 0.5 * (robot.planning or PlanningConfig()).clearance_m
    return {"joint_limits": joints, "default_robot_padding": clearance}


def _ompl(group: str) -> Parameters:
    return {
        "planning_plugins": ["ompl_interface/OMPLPlanner"],
        "request_adapters": [f"default_planning_request_adapters/{name}" for name in _REQUEST_ADAPTERS],
        "response_adapters": [f"default_planning_response_adapters/{name}" for name in _RESPONSE_ADAPTERS],
        "planner_configs": {_PLANNER: {"type": "geometric::RRTConnect", "range": 0.0}},
        group: {"planner_configs": [_PLANNER], "longest_valid_segment_fraction": 0.005},
    }


def _request(planning: PlanningConfig) -> Parameters:
    return {
        "planning_pipeline": "ompl",
        "planner_id": _PLANNER,
        "planning_attempts": 1,
        "planning_time": planning.search_s,
        "max_velocity_scaling_factor": planning.velocity_share,
        "max_acceleration_scaling_factor": planning.acceleration_share,
    }


def _execution(robot: RobotConfig) -> Parameters:
    """Trajectories go to the mover, which carries them out through the controller and its guard."""
    controller = {
        "type": "FollowJointTrajectory",
        "action_ns": _ACTION,
        "default": True,
        "joints": list(robot.joint_names),
    }
    return {
        "moveit_manage_controllers": False,
        "moveit_controller_manager": "moveit_simple_controller_manager/MoveItSimpleControllerManager",
        "moveit_simple_controller_manager": {"controller_names": [_CONTROLLER], _CONTROLLER: controller},
        "trajectory_execution": {
            "execution_duration_monitoring": True,
            "allowed_execution_duration_scaling": 1.5,
            "allowed_goal_duration_margin": _SETTLES_S,
            "allowed_start_tolerance": 0.05,
        },
    }
