"""The players of a demonstration, as the recorder sees them; `segue_sim` and `segue_control` have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segue_core.robot_config import RobotConfig
from segue_core.task_config import TaskConfig
from segue_core.task_state import TaskState

Array = NDArray[np.float64]


class SimulatedWorld(Protocol):
    """What the recorder needs of `segue_sim.World`; used from one thread."""

    @property
    def time(self) -> float: ...
    def reset(self, seed: int) -> None: ...
    def joint_positions(self) -> Array: ...
    def joint_velocities(self) -> Array: ...
    def gripper_positions(self) -> Array: ...
    def apply(self, q: Array, grippers: Array) -> None: ...
    def advance(self, seconds: float) -> None: ...
    def render(self) -> Mapping[str, NDArray[np.uint8]]: ...
    def task_state(self) -> TaskState: ...


class Demonstrator(Protocol):
    """What the recorder needs of `segue_sim.Expert`."""

    @property
    def done(self) -> bool: ...
    @property
    def precise(self) -> bool: ...
    def act(self) -> Array: ...


class JointTarget(Protocol):
    """What the recorder needs of a controller's command."""

    @property
    def q(self) -> Array: ...
    @property
    def grippers(self) -> Array: ...


class Controller(Protocol):
    """What the recorder needs of `segue_control.CartesianController`."""

    def reset(self, q_measured: Array) -> None: ...
    def set_target(self, action: Array, tick: int) -> None: ...
    def update(self, dt: float) -> JointTarget: ...


@dataclass(frozen=True)
class Stage:
    """A simulated robot ready to demonstrate."""

    robot: RobotConfig
    task: TaskConfig
    world: SimulatedWorld
    expert: Demonstrator
    controller: Controller
