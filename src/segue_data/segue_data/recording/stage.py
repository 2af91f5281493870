"""The players of a demonstration, as the recorder sees them; `segue_sim` and `segue_control` have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segue_control.lockstep import Body, Driver
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.task_state import TaskState
from segue_sim.experts.own_space import Posed


class SimulatedWorld(Body, Posed, Protocol):
    """What the recorder needs of `segue_sim.World`; used from one thread."""

    def finger_positions(self) -> tuple[Floats, Floats]:
        """Finger joints [m or rad] and their speeds, in the order of the contract's `finger_names`."""
        ...

    def gripper_positions(self) -> Floats:
        """Measured openings (arms,), 0 closed to 1 open."""
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

    def act(self) -> Floats:
        """The action (D,) of this tick."""
        ...


class Controller(Driver, Protocol):
    """What the recorder needs of `segue_control.RobotController`."""

    def reset(self, q_measured: Floats) -> None:
        """Begin an episode from the measured joints (n,) [rad]."""
        ...

    def set_target(self, action: Floats, tick: int) -> None:
        """Take the action (D,) of a tick, at its beginning."""
        ...


@dataclass(frozen=True)
class Demonstration:
    """A simulated robot ready to demonstrate."""

    robot: RobotConfig
    task: TaskConfig
    world: SimulatedWorld
    expert: Demonstrator
    controller: Controller
