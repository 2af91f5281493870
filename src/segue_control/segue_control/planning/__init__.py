"""Planned moves: from where the arms are to a named pose, without touching anything.

`Planner` is the interface, `BuiltInPlanner` and `MoveItPlanner` implement it, `create_planner` chooses.
"""

from segue_control.planning.base import Planner
from segue_control.planning.built_in import BuiltInPlanner
from segue_control.planning.choice import PLANNERS, create_planner
from segue_control.planning.scene import Obstacle, Scene, contract_scene
from segue_control.planning.trajectory import JointTrajectory

__all__ = [
    "PLANNERS",
    "BuiltInPlanner",
    "JointTrajectory",
    "Obstacle",
    "Planner",
    "Scene",
    "contract_scene",
    "create_planner",
]
