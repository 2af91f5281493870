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

    def joint_positions(self) -> Array:
        """Measured arm joints (n,) [rad]."""
        ...

    def joint_velocities(self) -> Array:
        """Measured arm joint speeds (n,) [rad/s]."""
        ...

    def gripper_positions(self) -> Array:
        """Measured openings (arms,), 0 closed to 1 open."""
        ...

    def apply(self, q: Array, grippers: Array) -> None:
        """Set the joint targets (n,) [rad] and openings (arms,)."""
        ...

    def advance(self, seconds: float) -> None:
        """Step the physics."""
        ...

    def render(self) -> Mapping[str, NDArray[np.uint8]]:
        """What every camera sees now, RGB (height, width, 3)."""
        ...

    def task_state(self) -> TaskState:
        """What the task detector says now."""
        ...


class Demonstrator(Protocol):
    """What the recorder needs of `segue_sim.Expert`."""

    @property
    def done(self) -> bool:
        """Nothing is left to do."""
        ...

    @property
    def precise(self) -> bool:
        """No disturbance now, please."""
        ...

    def act(self) -> Array:
        """The action (D,) of this tick."""
        ...


class JointTarget(Protocol):
    """What the recorder needs of a controller's command."""

    @property
    def q(self) -> Array:
        """Joint targets (n,) [rad]."""
        ...

    @property
    def grippers(self) -> Array:
        """Openings (arms,) in [0, 1]."""
        ...


class Controller(Protocol):
    """What the recorder needs of `segue_control.RobotController`."""

    def reset(self, q_measured: Array) -> None:
        """Begin an episode from the measured joints (n,) [rad]."""
        ...

    def set_target(self, action: Array, tick: int) -> None:
        """Take the action (D,) of a tick, at its beginning."""
        ...

    def update(self, dt: float) -> JointTarget:
        """One controller update of `dt` seconds."""
        ...


@dataclass(frozen=True)
class Stage:
    """A simulated robot ready to demonstrate."""

    robot: RobotConfig
    task: TaskConfig
    world: SimulatedWorld
    expert: Demonstrator
    controller: Controller
