"""One control period without clocks: measure, update, apply, and let the body move."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segue_control.commands import JointCommand

Array = NDArray[np.float64]


class Driver(Protocol):
    """What drives: a `RobotController`."""

    @property
    def closed_loop(self) -> bool:
        """Whether it needs the joints measured before every update."""
        ...

    def observe(self, q: Array, *, v: Array) -> None:
        """Take measured positions (n,) [rad] and speeds (n,) [rad/s]."""
        ...

    def update(self, dt: float) -> JointCommand:
        """One update of `dt` seconds."""
        ...


class Body(Protocol):
    """What is driven: a `segue_sim` world."""

    def joint_positions(self) -> Array:
        """Measured positions (n,) [rad]."""
        ...

    def joint_velocities(self) -> Array:
        """Measured speeds (n,) [rad/s]."""
        ...

    def follow(self, command: JointCommand) -> None:
        """Take a command."""
        ...

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        ...


def step(driver: Driver, body: Body, dt: float) -> JointCommand:
    """One control period of `dt` seconds; returns what was commanded. Raises ControlError like the update."""
    if driver.closed_loop:
        driver.observe(body.joint_positions(), v=body.joint_velocities())
    command = driver.update(dt)
    body.follow(command)
    body.advance(dt)
    return command
