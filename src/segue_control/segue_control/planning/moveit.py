"""`Planner` through MoveIt's Python binding, moveit_py.

Not run: MoveIt is in no Python registry. Written against the binding's sources and its type stubs (moveit2, branch
main, August 2026). MoveIt must know the robot by the joint names of its contract (`left_joint1`), which the URDF of
`segue gazebo` has, and be configured with parameters of the node (robot_description, semantic description, pipelines).
"""

from typing import Any

import numpy as np
from geometry_msgs.msg import Pose
from moveit.core.robot_state import RobotState
from moveit.planning import MoveItPy, PlanRequestParameters
from moveit_msgs.msg import CollisionObject
from numpy.typing import NDArray
from shape_msgs.msg import SolidPrimitive

from segue_control.planning.scene import Obstacle, Scene, Shape
from segue_control.planning.trajectory import JointTrajectory
from segue_core.errors import ControlError, ErrorCode
from segue_core.planning_config import PlanningConfig
from segue_core.robot_config import RobotConfig

Array = NDArray[np.float64]

_KINDS = {
    Shape.BOX: SolidPrimitive.BOX,  # length, width, height
    Shape.SPHERE: SolidPrimitive.SPHERE,  # radius
    Shape.CYLINDER: SolidPrimitive.CYLINDER,  # height, radius
}


class MoveItPlanner:
    """One planning group that has all joints of the contract."""

    def __init__(self, robot: RobotConfig, group: str) -> None:
        self._robot, self._group = robot, group
        self._config = robot.planning or PlanningConfig()
        self._moveit = MoveItPy(node_name="segue_moveit")
        self._component = self._moveit.get_planning_component(group)
        self._parameters = PlanRequestParameters(self._moveit, "plan_request_params")
        self._parameters.planning_time = self._config.search_s
        self._parameters.max_velocity_scaling_factor = self._config.velocity_share
        self._parameters.max_acceleration_scaling_factor = self._config.acceleration_share

    def plan(self, start: Array, goal: Array, scene: Scene) -> JointTrajectory:
        """See `Planner`. What MoveIt refuses has its error code in the text."""
        self._show(scene)
        self._component.set_start_state(robot_state=self._state(start))
        self._component.set_goal_state(robot_state=self._state(goal))
        answer = self._component.plan(single_plan_parameters=self._parameters)
        if not answer:
            code = answer.error_code.val
            text = f"MoveIt finds no way (moveit_msgs/MoveItErrorCodes {code})"
            raise ControlError(ErrorCode.CONTROL_COLLISION, text)
        return self._trajectory(answer.trajectory.get_robot_trajectory_msg().joint_trajectory)

    def _show(self, scene: Scene) -> None:
        """Makes the planning scene's world be the scene."""
        with self._moveit.get_planning_scene_monitor().read_write() as planning_scene:
            planning_scene.remove_all_collision_objects()
            for obstacle in scene.obstacles:
                planning_scene.apply_collision_object(_object(obstacle, self._robot.base_frame))
            planning_scene.current_state.update()

    def _state(self, q: Array) -> RobotState:
        state = RobotState(self._moveit.get_robot_model())
        state.joint_positions = dict(zip(self._robot.joint_names, q.tolist(), strict=True))
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

        def column(name: str) -> Array:
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
