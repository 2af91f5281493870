"""Small real recordings for the laws of this package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from segue_core.robot_config import RobotConfig
from segue_core.task_config import TaskConfig
from segue_core.task_state import TaskState
from segue_data.contracts import load_robot, load_task
from segue_data.lockstep import RecordingOptions, record_episode
from segue_data.stage import Stage

Array = NDArray[np.float64]
TICKS = 12


class TinyWorld:
    """A world without physics: joints follow at once, pictures are noise that differs from tick to tick."""

    def __init__(self, robot: RobotConfig, success: bool = True) -> None:
        self.robot = robot
        self.success = success
        self.frames: list[dict[str, NDArray[np.uint8]]] = []
        self._rng = np.random.default_rng(3)
        self._q = np.concatenate([arm.home_rad for arm in robot.arms])
        self._grippers = np.ones(len(robot.arms))

    def joint_positions(self) -> Array:
        return self._q

    def joint_velocities(self) -> Array:
        return np.zeros_like(self._q)

    def gripper_positions(self) -> Array:
        return self._grippers

    def apply(self, positions: Array, grippers: Array) -> None:
        self._q, self._grippers = positions.copy(), grippers.copy()

    def advance(self, seconds: float) -> None:
        pass

    def render(self) -> Mapping[str, NDArray[np.uint8]]:
        small = self._rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
        big = np.asarray(cv2.resize(small, (256, 192), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
        self.frames.append({name: np.roll(big, 40 * i, axis=1) for i, name in enumerate(self.robot.cameras)})
        return self.frames[-1]

    def task_state(self) -> TaskState:
        return TaskState(self.success, 1.0, 1, 1, "as told")


class TinyExpert:
    """Says `TICKS` different actions, then is done."""

    def __init__(self, dim: int) -> None:
        self.said: list[Array] = []
        self._dim = dim

    @property
    def done(self) -> bool:
        return len(self.said) >= TICKS

    @property
    def precise(self) -> bool:
        return False

    def act(self) -> Array:
        self.said.append(np.full(self._dim, 0.01 * len(self.said)))
        return self.said[-1]


class TinyTarget:
    """Joint positions and openings."""

    def __init__(self, q: Array, grippers: Array) -> None:
        self.q, self.grippers = q, grippers


class TinyController:
    """Moves every joint by a small step per update, whatever the target is."""

    def reset(self, q_measured: Array) -> None:
        self._q = q_measured.copy()

    def set_target(self, action: Array, tick: int) -> None:
        pass

    def update(self, dt: float) -> TinyTarget:
        self._q = self._q + 1e-4
        return TinyTarget(self._q, np.array([0.5, 0.5]))


@pytest.fixture(scope="session")
def robot() -> RobotConfig:
    return load_robot("dual_arm")


@pytest.fixture(scope="session")
def task() -> TaskConfig:
    return load_task("pick_place")


def tiny_stage(robot: RobotConfig, task: TaskConfig, success: bool = True) -> Stage:
    return Stage(robot, task, TinyWorld(robot, success), TinyExpert(robot.action_space.dim), TinyController())


@pytest.fixture(scope="session")
def recorded(
    robot: RobotConfig, task: TaskConfig, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Stage]:
    """A finished bag and the stage that it shows; treat as read-only."""
    stage = tiny_stage(robot, task)
    bag = tmp_path_factory.mktemp("bags") / "episode_000007"
    record_episode(stage, 7, bag, RecordingOptions(settle_ticks=2))
    return bag, stage
