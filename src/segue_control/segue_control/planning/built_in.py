"""The planner that is always there: straight in joint space, else over what is in the way, else RRT-Connect."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from segue_control.planning import search, timing
from segue_control.planning.collision import CollisionModel, Touch, describe
from segue_control.planning.scene import Scene
from segue_control.planning.trajectory import JointTrajectory
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.limits import OUTSIDE_RAD, joint_limits
from segue_core.arrays import Floats
from segue_core.contracts.planning import PlanningConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ControlError, ErrorCode
from segue_core.figures import beyond

_STUCK_M = -0.01  # a start that overlaps more than this is no touch: the scene or the pose is wrong


class BuiltInPlanner:
    """`Planner` on the robot's own model: MuJoCo's collisions, Ruckig's profiles, OMPL's search."""

    def __init__(self, robot: RobotConfig) -> None:
        self._robot = robot
        self._config = robot.planning or PlanningConfig()
        self._known: tuple[Scene, CollisionModel] | None = None
        self._kinematics = Kinematics(robot)
        self._limits = joint_limits(robot, self._kinematics.low, self._kinematics.high)
        self._slow = replace(
            self._limits,
            velocity=self._limits.velocity * self._config.velocity_share,
            acceleration=self._limits.acceleration * self._config.acceleration_share,
            jerk=self._limits.jerk * self._config.jerk_share,
        )

    def plan(self, start: Floats, goal: Floats, scene: Scene) -> JointTrajectory:
        """See `Planner`: the first of its ways that is free, which `found_by` names."""
        start, goal = self._checked(start, "start"), self._checked(goal, "goal")
        collisions = self._collisions(scene)
        collisions.leave(())
        self._refuse_touching(collisions, start, "start", _STUCK_M)
        collisions.leave(collisions.touches(start))
        self._refuse_touching(collisions, goal, "goal", np.inf)
        blocked: tuple[Touch, ...] = ()
        for name, find in self._ways(collisions, start, goal):
            corners = find()
            touches = self._touches(collisions, corners)
            if corners is not None and not touches:
                period_s = 1.0 / self._robot.control_rate_hz
                return timing.follow(corners, self._robot.joint_names, self._slow, period_s, name)
            blocked = blocked or touches
        raise ControlError(
            ErrorCode.CONTROL_COLLISION, f"no free way: on the straight one {describe(blocked)} would touch"
        )

    def _collisions(self, scene: Scene) -> CollisionModel:
        """The model of the scene; compiling one takes seconds, so the last is kept."""
        if self._known is None or self._known[0] != scene:
            self._known = scene, CollisionModel(self._robot, scene, self._config.clearance_m)
        return self._known[1]

    def _ways(
        self, collisions: CollisionModel, start: Floats, goal: Floats
    ) -> Iterator[tuple[str, Callable[[], Floats | None]]]:
        config, limits = self._config, self._limits
        yield "straight", lambda: np.array([start, goal])
        yield "lifted", lambda: search.lifted(self._kinematics, start, goal, config.lift_m, limits)
        yield (
            "rrt_connect",
            lambda: search.rrt_connect(collisions, start, goal, limits, config.search_s),
        )

    @staticmethod
    def _touches(collisions: CollisionModel, corners: Floats | None) -> tuple[Touch, ...]:
        """The first touches along the corners."""
        lines = [] if corners is None else list(pairwise(corners))
        return next((touches for a, b in lines if (touches := collisions.along(a, b))), ())

    def _checked(self, q: Floats, what: str) -> Floats:
        q = np.asarray(q, dtype=np.float64)
        names, limits = self._robot.joint_names, self._limits
        if q.shape != (len(names),):
            raise ControlError(
                ErrorCode.CONTROL_WRONG_SHAPE, f"{what} pose", got=q.shape, expected=f"({len(names)},)"
            )
        if not np.isfinite(q).all():
            worst = names[int(np.argmin(np.isfinite(q)))]
            raise ControlError(ErrorCode.CONTROL_NOT_FINITE, f"{what} pose is not finite", got=worst)
        outside = np.maximum(limits.low - q, q - limits.high)
        worst_joint = int(np.argmax(outside))
        if outside[worst_joint] > OUTSIDE_RAD:
            got, allowed = beyond(q[worst_joint], limits.low[worst_joint], limits.high[worst_joint], 3)
            text = f"{what} pose: {names[worst_joint]} is outside its limits"
            raise ControlError(ErrorCode.CONTROL_LIMIT, text, got=f"{got} rad", expected=f"{allowed} rad")
        return np.clip(q, limits.low, limits.high)

    @staticmethod
    def _refuse_touching(collisions: CollisionModel, q: Floats, what: str, below_m: float) -> None:
        touches = [touch for touch in collisions.touches(q) if touch.distance_m < below_m]
        if touches:
            raise ControlError(
                ErrorCode.CONTROL_COLLISION, f"{what} pose: {describe(touches)} touch or nearly do"
            )
