"""Tool poses as the controllers see them, and their translation from and to action vectors.

An action holds, per arm, a position [m] in the base frame and a rotation vector [rad] in base-frame axes that
turns the tool from its reference orientation, that of the home pose, pointing down:

    R_base_tool = exp(rotation) * R_base_reference
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_control.robot import rotation_wxyz
from segue_core.action_space import ActionSpace, end_effector_channels
from segue_core.contracts.controller import Targets, targets_of
from segue_core.contracts.robot import RobotConfig


@dataclass(frozen=True)
class ToolPoses:
    """One pose per arm in the base frame: `positions` (A, 3) [m], `quaternions` (A, 4) unit, w first."""

    positions: NDArray[np.float64]
    quaternions: NDArray[np.float64]


def pose_space(robot: RobotConfig) -> ActionSpace:
    """The robot's own action space where that speaks of tool poses, else one that does, with the same arms."""
    if targets_of(robot.action_space) is Targets.POSES:
        return robot.action_space
    channels = [channel for arm in robot.arms for channel in end_effector_channels(arm.name)]
    return ActionSpace(f"{robot.name}_poses", robot.tick_rate_hz, tuple(channels))


class ActionCodec:
    """Translates end-effector actions; rotations are relative to `references`, one quaternion per arm."""

    def __init__(self, space: ActionSpace, arms: tuple[str, ...], references: NDArray[np.float64]) -> None:
        self.space = space
        self._references = references
        self._positions = [space.slice(f"{arm}_position") for arm in arms]
        self._rotations = [space.slice(f"{arm}_rotation") for arm in arms]
        self._grippers = np.array([space.slice(f"{arm}_gripper").start for arm in arms])

    def poses(self, action: NDArray[np.float64]) -> ToolPoses:
        """Tool poses of an action (D,)."""
        turns = [rotation_wxyz.from_rotation_vector(action[part].tolist()) for part in self._rotations]
        quaternions = [
            rotation_wxyz.multiply(turn, reference)
            for turn, reference in zip(turns, self._references.tolist(), strict=True)
        ]
        return ToolPoses(np.array([action[part] for part in self._positions]), np.array(quaternions))

    def grippers(self, action: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gripper openings (A,) of an action, 0 closed to 1 open."""
        return np.asarray(action[self._grippers], dtype=np.float64)

    def action(self, poses: ToolPoses, grippers: NDArray[np.float64]) -> NDArray[np.float64]:
        """The action (D,) that asks for these poses and openings; rotation vectors no longer than pi."""
        result = np.zeros(self.space.dim)
        for index, (position, rotation) in enumerate(zip(self._positions, self._rotations, strict=True)):
            result[position] = poses.positions[index]
            result[rotation] = rotation_wxyz.difference(
                poses.quaternions[index].tolist(), self._references[index].tolist()
            )
        result[self._grippers] = grippers
        return result
