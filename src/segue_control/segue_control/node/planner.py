"""The planner of a mover: ours, or MoveIt's, which is imported where it is used."""

from collections.abc import Callable

from segue_control.planning.base import Planner
from segue_control.planning.built_in import BuiltInPlanner
from segue_control.planning.choice import uses_moveit
from segue_core.contracts.robot import RobotConfig


def create_planner(
    robot: RobotConfig, name: str = "auto", urdf: Callable[[], str] | None = None, namespace: str = "/"
) -> Planner:
    """The planner `name` for a robot.

    Args:
        urdf: for MoveIt: tells the robot's description, in the names of its contract.
        namespace: for MoveIt: of its node.

    Raises:
        ConfigError: see `uses_moveit`, or the description is that of another robot.
    """
    if not uses_moveit(robot, name):
        return BuiltInPlanner(robot)
    from segue_control.node.moveit_planner import MoveItPlanner

    return MoveItPlanner(robot, urdf() if urdf else "", namespace)
