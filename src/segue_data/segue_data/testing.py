"""Small stand-ins for tests of recording: world, expert and controller without physics, text messages."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from segue_control.commands import JointCommand
from segue_control.robot.kinematics import Kinematics
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.task_state import TaskState
from segue_data.bags.definitions import typestore
from segue_data.bags.topic import Topic
from segue_data.recording.stage import Demonstration

TICKS = 12
TEXT_TOPICS = {"/text": Topic("std_msgs/msg/String")}


def text_message(number: int, size: int = 40_000) -> bytes:
    """Serialised std_msgs/String of `size` characters that begins with the number in six digits."""
    kind = typestore().types["std_msgs/msg/String"]
    return bytes(typestore().serialize_cdr(kind(f"{number:06d}" + "x" * size), "std_msgs/msg/String"))


class TinyWorld:
    """A world without physics: joints follow at once, pictures are noise that differs from tick to tick."""

    def __init__(self, robot: RobotConfig, success: bool = True) -> None:
        self.robot = robot
        self.success = success
        self.frames: list[dict[str, NDArray[np.uint8]]] = []
        self._rng = np.random.default_rng(3)
        self._q = np.concatenate([arm.home_rad for arm in robot.arms])
        self._grippers = np.ones(len(robot.arms))

    @cached_property
    def kinematics(self) -> Kinematics:
        """Of the robot."""
        return Kinematics(self.robot)

    def joint_positions(self) -> Floats:
        """Joints (n,) [rad]."""
        return self._q

    def joint_velocities(self) -> Floats:
        """Always at rest."""
        return np.zeros_like(self._q)

    def gripper_positions(self) -> Floats:
        """Openings (arms,)."""
        return self._grippers

    def finger_positions(self) -> tuple[Floats, Floats]:
        """Finger joints where the openings put them, at rest."""
        fingers = np.array(self.robot.fingers(self._grippers.tolist()))
        return fingers, np.zeros_like(fingers)

    def apply(self, positions: Floats, grippers: Floats) -> None:
        """Take the targets as reached."""
        self._q, self._grippers = positions.copy(), grippers.copy()

    def follow(self, command: JointCommand) -> None:
        """Take the targets as reached."""
        self.apply(command.q, command.grippers)

    def advance(self, seconds: float) -> None:
        """No physics here."""

    def render(self) -> Mapping[str, NDArray[np.uint8]]:
        """Smooth random pictures, kept in `frames`."""
        small = self._rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
        big = np.asarray(cv2.resize(small, (256, 192), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
        self.frames.append({name: np.roll(big, 40 * i, axis=1) for i, name in enumerate(self.robot.cameras)})
        return self.frames[-1]

    def task_state(self) -> TaskState:
        """As the constructor was told."""
        return TaskState(self.success, 1.0, 1, 1, "as told")


class TinyExpert:
    """Says `TICKS` different actions, then is done."""

    def __init__(self, dim: int) -> None:
        self.said: list[Floats] = []
        self._dim = dim

    @property
    def done(self) -> bool:
        """After `TICKS` actions."""
        return len(self.said) >= TICKS

    @property
    def precise(self) -> bool:
        """Never."""
        return False

    def act(self) -> Floats:
        """The next action, kept in `said`."""
        self.said.append(np.full(self._dim, 0.01 * len(self.said)))
        return self.said[-1]


class TinyController:
    """Moves every joint by a small step per update, whatever the target is."""

    closed_loop = False

    def observe(self, q: Floats, *, v: Floats) -> None:
        """Ignored."""

    def reset(self, q_measured: Floats) -> None:
        """Start from the measured joints."""
        self._q = q_measured.copy()

    def set_target(self, action: Floats, tick: int) -> None:
        """Ignored."""

    def update(self, dt: float) -> JointCommand:
        """One small step."""
        self._q = self._q + 1e-4
        return JointCommand(self._q, np.array([0.5, 0.5]))


def tiny_stage(robot: RobotConfig, task: TaskConfig, success: bool = True) -> Demonstration:
    """A stage of stand-ins that ends in success or not."""
    return Demonstration(
        robot, task, TinyWorld(robot, success), TinyExpert(robot.action_space.dim), TinyController()
    )


def beat(path: Path) -> None:
    """A job of half a minute that shows that it is alive: a byte more in `path` ten times a second."""
    for _ in range(300):
        with path.open("ab") as file:
            file.write(b".")
        time.sleep(0.1)
