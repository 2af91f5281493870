"""Which planner: by name, or the one that is there."""

import importlib.util

from segue_control.planning.base import Planner
from segue_control.planning.built_in import BuiltInPlanner
from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_core.robot_config import RobotConfig

PLANNERS = ("auto", "built_in", "moveit")
"""`auto` is `moveit` where moveit_py is installed and the contract names a planning group, else `built_in`."""


def moveit_is_there() -> bool:
    """Whether MoveIt's Python binding can be imported. (`moveit` alone is also an unrelated package on PyPI.)"""
    try:
        return importlib.util.find_spec("moveit.planning") is not None
    except ModuleNotFoundError:
        return False


def create_planner(robot: RobotConfig, name: str = "auto") -> Planner:
    """The planner `name` for a robot.

    Raises:
        ConfigError: unknown name, or MoveIt is asked for and not installed or not described in the contract.
    """
    if name not in PLANNERS:
        raise unknown_name("planner", name, PLANNERS)
    group = robot.planning.moveit_group if robot.planning else None
    if name == "built_in" or (name == "auto" and not (group and moveit_is_there())):
        return BuiltInPlanner(robot)
    if not moveit_is_there():
        text = (
            "planner 'moveit' needs moveit_py, which is part of a ROS 2 install (apt: ros-<distro>-moveit-py)"
        )
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text)
    if not group:
        text = f"planner 'moveit': robot {robot.name!r} has no planning.moveit_group"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text)
    from segue_control.planning.moveit import MoveItPlanner

    return MoveItPlanner(robot, group)
