"""`Planner` through MoveIt's Python binding, moveit_py.

Not run: MoveIt is in no Python registry. Written against the sources of moveit2 2.12.0 to 2.15.0. All that it asks of
its node's parameters comes from the contract, in a file for every node: a node in a namespace would not find what is
kept for a bare name, as `config_dict` is.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import Pose
from moveit.core.robot_state import RobotState
from moveit.planning import MoveItPy, PlanRequestParameters
from moveit_msgs.msg import CollisionObject, MoveItErrorCodes
from shape_msgs.msg import SolidPrimitive

from segue_control.planning.moveit_parameters import moveit_parameters, parameter_file
from segue_control.planning.scene import Obstacle, Scene, Shape
from segue_control.planning.semantics import planning_group
from segue_control.planning.trajectory import JointTrajectory
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ControlError, ErrorCode

_NODE = "segue_moveit"
_CODES = {
    MoveItErrorCodes.START_STATE_IN_COLLISION: "the start touches something",
    MoveItErrorCodes.GOAL_IN_COLLISION: "the goal touches something",
    MoveItErrorCodes.TIMED_OUT: "time is up (planning.search_s)",
    MoveItErrorCodes.START_STATE_INVALID: "the start is outside the joints' limits",
}
_KINDS = {
    Shape.BOX: SolidPrimitive.BOX,  # length, width, height
    Shape.SPHERE: SolidPrimitive.SPHERE,  # radius
    Shape.CYLINDER: SolidPrimitive.CYLINDER,  # height, radius
}


class MoveItPlanner:
    """One planning group that has all joints of the contract.

    Args:
        urdf: the robot's description, in the names of its contract.
        namespace: of MoveIt's node, which is one more node in this process.

    Raises:
        ConfigError: the contract names no planning group, or the URDF is that of another robot.
    """

    def __init__(self, robot: RobotConfig, urdf: str, namespace: str) -> None:
        self._robot, self._group = robot, planning_group(robot)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "moveit.yaml"
            path.write_text(parameter_file(moveit_parameters(robot, urdf)), encoding="utf-8")
            self._moveit = MoveItPy(
                node_name=_NODE,
                name_space=namespace,
                launch_params_filepaths=[str(path)],
                provide_planning_service=False,
            )
        self._component = self._moveit.get_planning_component(self._group)
        self._parameters = PlanRequestParameters(self._moveit, "")  # plan_request_params, no pipeline's own

    def plan(self, start: Floats, goal: Floats, scene: Scene) -> JointTrajectory:
        """See `Planner`. What MoveIt refuses has its error code in the text."""
        self._show(scene)
        self._component.set_start_state(robot_state=self._state(start))
        self._component.set_goal_state(robot_state=self._state(goal))
        answer = self._component.plan(single_plan_parameters=self._parameters)
        if not answer:
            code = answer.error_code.val
            text = f"MoveIt finds no way: {_CODES.get(code, 'see its log')} (MoveItErrorCodes {code})"
            raise ControlError(ErrorCode.CONTROL_COLLISION, text)
        return self._trajectory(answer.trajectory.get_robot_trajectory_msg().joint_trajectory)

    def _show(self, scene: Scene) -> None:
        """Makes the planning scene's world be the scene."""
        with self._moveit.get_planning_scene_monitor().read_write() as planning_scene:
            planning_scene.remove_all_collision_objects()
            for obstacle in scene.obstacles:
                planning_scene.apply_collision_object(_object(obstacle, self._robot.base_frame))
            planning_scene.current_state.update()

    def _state(self, q: Floats) -> RobotState:
        """The joints at `q` (n,), fingers open, which is where they take most room; the rest as MoveIt has it."""
        robot, state = self._robot, RobotState(self._moveit.get_robot_model())
        state.set_to_default_values()  # a new state is uninitialised
        opened = robot.fingers([1.0] * len(robot.arms))
        names, values = (*robot.joint_names, *robot.finger_names), (*q.tolist(), *opened)
        state.joint_positions = dict(zip(names, values, strict=True))
        state.update()
        return state

    def _trajectory(self, message: Any) -> JointTrajectory:
        """The joints of a trajectory_msgs/JointTrajectory in the contract's order; MoveIt has its own."""
        missing = sorted(set(self._robot.joint_names) - set(message.joint_names))
        if missing:
            text = f"MoveIt's group {self._group!r} has not all joints of robot {self._robot.name!r}"
            raise ControlError(ErrorCode.CONTROL_WRONG_SHAPE, text, got=f"missing {', '.join(missing)}")
        order = [list(message.joint_names).index(name) for name in self._robot.joint_names]
        times = [point.time_from_start.sec + 1e-9 * point.time_from_start.nanosec for point in message.points]

        def column(name: str) -> Floats:
            return np.array([getattr(point, name) for point in message.points], dtype=np.float64)[:, order]

        return JointTrajectory(
            self._robot.joint_names,
            np.array(times, dtype=np.float64),
            column("positions"),
            column("velocities"),
            column("accelerations"),
            "moveit",
        )


def _object(obstacle: Obstacle, frame: str) -> CollisionObject:
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = obstacle.position
    turn = pose.orientation
    turn.w, turn.x, turn.y, turn.z = obstacle.quaternion
    primitive = SolidPrimitive(type=_KINDS[obstacle.shape], dimensions=_dimensions(obstacle))
    message = CollisionObject(id=obstacle.name, operation=CollisionObject.ADD)
    message.header.frame_id = frame
    message.primitives, message.primitive_poses = [primitive], [pose]
    return message


def _dimensions(obstacle: Obstacle) -> list[float]:
    if obstacle.shape is Shape.SPHERE:
        return [0.5 * obstacle.size[0]]
    if obstacle.shape is Shape.CYLINDER:
        return [obstacle.size[1], 0.5 * obstacle.size[0]]
    return list(obstacle.size)
