"""The way that the tools take if a chunk is executed as it is."""

from dataclasses import dataclass

import numpy as np

from segue_control.robot.kinematics import Kinematics
from segue_control.targets.joint_targets import JointCodec
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig


@dataclass(frozen=True, eq=False)
class ToolPath:
    """One arm's tool over the H rows of a chunk: `points` (H, 3) [m] in the base frame, `openings` (H,) in [0, 1]."""

    arm: str
    points: Floats
    openings: Floats


class ChunkPaths:
    """Turns chunks of one robot's action space into paths; joints go through its kinematics."""

    def __init__(self, robot: RobotConfig) -> None:
        self._arms = tuple(arm.name for arm in robot.arms)
        self.space = robot.action_space
        self._poses = all(f"{arm}_position" in self.space.slices for arm in self._arms)
        if not self._poses:
            self._kinematics = Kinematics(robot)
            self._codec = JointCodec(robot, self.space)

    def of(self, actions: Floats) -> tuple[ToolPath, ...]:
        """One path per arm of actions (H, D).

        Raises:
            SchedulerError: another width, or numbers that are not finite.
        """
        actions = self.space.validate(actions, "chunk")
        points = self._positions(actions)
        return tuple(
            ToolPath(arm, points[:, index], actions[:, self.space.slice(f"{arm}_gripper").start])
            for index, arm in enumerate(self._arms)
        )

    def _positions(self, actions: Floats) -> Floats:
        """Tool positions (H, A, 3) [m]."""
        if self._poses:
            return np.stack([actions[:, self.space.slice(f"{arm}_position")] for arm in self._arms], axis=1)
        return np.array([self._kinematics.poses(self._codec.joints(row)).positions for row in actions])
