"""One control period without clocks: measure, update, apply, and let the body move."""

from typing import Protocol

from segue_control.commands import JointCommand
from segue_core.arrays import Floats


class Driver(Protocol):
    """What drives: a `RobotController`."""

    @property
    def closed_loop(self) -> bool:
        """Whether it needs the joints measured before every update."""
        ...

    def observe(self, q: Floats, *, v: Floats) -> None:
        """Take measured positions (n,) [rad] and speeds (n,) [rad/s]."""
        ...

    def update(self, dt: float) -> JointCommand:
        """One update of `dt` seconds."""
        ...


class Body(Protocol):
    """What is driven: a `segue_sim` world."""

    def joint_positions(self) -> Floats:
        """Measured positions (n,) [rad]."""
        ...

    def joint_velocities(self) -> Floats:
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
