"""All grippers of a compiled robot: commanded and measured as openings, and what their fingers are."""

import mujoco
import numpy as np

from segue_control.robot.fingers import actuator_names
from segue_core.arrays import Floats
from segue_core.contracts.robot import ArmConfig, RobotConfig

Pairs = set[tuple[int, int]]


class _Gripper:
    """Addresses of one gripper, and its joint positions open and closed (fingers,) [m] or [rad]."""

    def __init__(self, model: mujoco.MjModel, arm: ArmConfig) -> None:
        config = arm.gripper
        joints = [model.joint(f"{arm.name}_{name}") for name in config.finger_joints]
        self.qpos = np.array([joint.qposadr[0] for joint in joints])
        self.qvel = np.array([joint.dofadr[0] for joint in joints])
        self.opened, self.closed = np.array(config.opened), np.array(config.closed)
        self.ctrl = np.array([model.actuator(f"{arm.name}_{name}").id for name in actuator_names(config)])
        moved = [int(model.dof_bodyid[joint.dofadr[0]]) for joint in joints]
        named = [model.body(f"{arm.name}_{name}").id for name in config.finger_bodies or ()]
        self.fingers = _apart([_subtree(model, body) for body in named or moved])

    def positions(self, opening: float) -> Floats:
        """Joint positions (fingers,) at an opening."""
        return np.asarray(self.closed + opening * (self.opened - self.closed))

    def opening(self, positions: Floats) -> float:
        """How far joint positions or motor targets (m,) are from closed, on average; not limited to [0, 1]."""
        travel = (self.opened - self.closed)[: len(positions)]
        moved = (positions - self.closed[: len(positions)]) * np.sign(travel)
        return float(moved.mean() / np.abs(travel).mean())


def _apart(fingers: list[frozenset[int]]) -> list[frozenset[int]]:
    """Each finger without those that hang on it: a moving jaw is no part of the hand that it closes against."""
    return [finger.difference(*(other for other in fingers if other < finger)) for finger in fingers]


def _subtree(model: mujoco.MjModel, root: int) -> frozenset[int]:
    """A body and everything that hangs on it; bodies are numbered after their parents."""
    found = {root}
    for body in range(root + 1, model.nbody):
        if int(model.body_parentid[body]) in found:
            found.add(body)
    return frozenset(found)


class Grippers:
    """The grippers of a robot, one per arm, in the order of its arms."""

    def __init__(self, model: mujoco.MjModel, robot: RobotConfig) -> None:
        self._all = [_Gripper(model, arm) for arm in robot.arms]

    def open(self, data: mujoco.MjData) -> None:
        """Puts every finger where it is when fully open."""
        for gripper in self._all:
            data.qpos[gripper.qpos] = gripper.opened

    def finger_joints(self, data: mujoco.MjData) -> tuple[Floats, Floats]:
        """Positions [m or rad] and speeds [1/s of these] of all finger joints, gripper after gripper."""
        positions = [data.qpos[gripper.qpos] for gripper in self._all]
        return np.concatenate(positions), np.concatenate([data.qvel[gripper.qvel] for gripper in self._all])

    def command(self, data: mujoco.MjData, openings: Floats) -> None:
        """Sets the motors' targets from openings (A,) in [0, 1]."""
        for gripper, opening in zip(self._all, openings, strict=True):
            data.ctrl[gripper.ctrl] = gripper.positions(float(opening))[: len(gripper.ctrl)]

    def commanded(self, data: mujoco.MjData) -> Floats:
        """The openings (A,) that the motors are told."""
        return np.array([gripper.opening(data.ctrl[gripper.ctrl]) for gripper in self._all])

    def measured(self, data: mujoco.MjData) -> Floats:
        """Measured openings (A,), 0 closed to 1 open."""
        openings = [gripper.opening(data.qpos[gripper.qpos]) for gripper in self._all]
        return np.asarray(np.clip(openings, 0.0, 1.0), dtype=np.float64)

    def fingers(self, index: int) -> list[frozenset[int]]:
        """Bodies of each finger of a gripper; the first finger is opposed to the others."""
        return self._all[index].fingers

    def holding(self, pairs: Pairs, bodies: frozenset[int]) -> list[bool]:
        """Which grippers (A,) hold one of `bodies`: the first finger touches it, and one opposed to it does.

        Args:
            pairs: bodies in contact, each pair in both orders.
        """
        return [_held(gripper.fingers, pairs, bodies) for gripper in self._all]


def _held(fingers: list[frozenset[int]], pairs: Pairs, bodies: frozenset[int]) -> bool:
    first, *others = (any((f, b) in pairs for f in finger for b in bodies) for finger in fingers)
    return first and any(others)
