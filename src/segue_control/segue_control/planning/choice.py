"""Which planner: by name, or the one that is there. `segue_control.node.planner` makes it."""

import importlib.util

from segue_control.planning.semantics import planning_group
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode, unknown_name

_NOT_THERE = "planner 'moveit' needs moveit_py, which is part of a ROS 2 install and in no Python registry"
_INSTALL = "apt install ros-$ROS_DISTRO-moveit ros-$ROS_DISTRO-moveit-py, or use planner:=built_in"
PLANNERS = ("auto", "built_in", "moveit")
"""`auto` is `moveit` where moveit_py is installed and the contract names a planning group, else `built_in`."""


def moveit_is_there() -> bool:
    """Whether MoveIt's Python binding can be imported. (`moveit` alone is also an unrelated package on PyPI.)"""
    try:
        return importlib.util.find_spec("moveit.planning") is not None
    except ModuleNotFoundError:
        return False


def uses_moveit(robot: RobotConfig, name: str) -> bool:
    """Whether the planner `name` is MoveIt's for this robot.

    Raises:
        ConfigError: unknown name, or MoveIt is asked for and not installed or not described in the contract.
    """
    if name not in PLANNERS:
        raise unknown_name("planner", name, PLANNERS)
    if name == "auto":
        return moveit_is_there() and bool(robot.planning and robot.planning.moveit_group)
    if name == "moveit":
        planning_group(robot)
        if not moveit_is_there():
            raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, _NOT_THERE, do=_INSTALL)
    return name == "moveit"
