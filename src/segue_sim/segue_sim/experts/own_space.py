"""Tool poses that an expert decides on, as actions of the robot's own space."""

from __future__ import annotations

from typing import Protocol

from segue_control.robot.kinematics import Kinematics
from segue_control.robot.poses import pose_space
from segue_control.targets.joint_targets import JointCodec
from segue_core.arrays import Floats
from segue_core.contracts.controller import Targets, targets_of
from segue_core.contracts.robot import RobotConfig

_ITERATIONS = 8  # from one tick to the next a tool moves by little


class Posed(Protocol):
    """A robot that is somewhere, as `Episode` is."""

    @property
    def robot(self) -> RobotConfig:
        """Its contract."""
        ...

    @property
    def kinematics(self) -> Kinematics:
        """Of its arms."""
        ...

    def joint_positions(self) -> Floats:
        """Where its joints (n,) are [rad]."""
        ...


class OwnSpace:
    """Where the robot's actions are joints, poses become joints by inverse kinematics, from one tick to the next."""

    def __init__(self, world: Posed) -> None:
        robot = world.robot
        self._world, self._q = world, world.joint_positions()
        self.poses = pose_space(robot)
        in_joints = targets_of(robot.action_space) is Targets.JOINTS
        self._codec = JointCodec(robot, robot.action_space) if in_joints else None

    def poses_of(self, action: Floats) -> Floats:
        """The tool poses and openings that an action (D,) says, as a vector of the space `poses`."""
        if self._codec is None:
            return action
        kinematics = self._world.kinematics
        self._q = self._codec.joints(action)
        return kinematics.codec.action(kinematics.poses(self._q), self._codec.grippers(action))

    def action(self, poses: Floats) -> Floats:
        """The action (D,) that brings the tools where a vector of the space `poses` says, with its openings."""
        if self._codec is None:
            return poses
        kinematics = self._world.kinematics
        self._q = kinematics.solve(poses, self._q, _ITERATIONS)
        return self._codec.action(self._q, kinematics.codec.grippers(poses))
