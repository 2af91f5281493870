"""The seam for real robots."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segue_control.hardware.motion import Motion
from segue_core.errors import ControlError


@dataclass(frozen=True, eq=False)
class MeasuredRobot:
    """What the robot told: `q` (n,) arm joints [rad] and `grippers` (A,) openings in [0, 1], in our own order.

    `at_s` is when it was received, on the steady clock.
    """

    q: NDArray[np.float64]
    grippers: NDArray[np.float64]
    at_s: float


class Backend(Protocol):
    """A robot that can be reached. One thread: everything is called from the hardware node's executor.

    Commands have passed the safety guard and the gate. A back end changes names, units and messages, and nothing
    else. It must not move the robot before `write`, and it must leave the robot at rest after `stop` and `close`.
    """

    def connect(self) -> tuple[str, ...]:
        """Reaches the robot; returns what is worth telling people.

        Raises:
            ControlError: CONTROL_HARDWARE, the robot or a part of it is not there; the text says what to do.
        """
        ...

    def read(self, now_s: float) -> MeasuredRobot | None:
        """The newest complete measurement, or None when there is none since the last call; never blocks."""
        ...

    def write(self, motion: Motion, now_s: float) -> None:
        """Follows a motion; never blocks."""
        ...

    def stop(self, now_s: float) -> None:
        """Brings the robot to rest and keeps it there; never blocks."""
        ...

    def fault(self) -> ControlError | None:
        """Why the robot itself cannot go on, such as a reflex; None when it can."""
        ...

    def recover(self) -> None:
        """Clears the robot's own fault; nothing moves.

        Raises:
            ControlError: it cannot be cleared from here.
        """
        ...

    def close(self) -> None:
        """Lets the robot go, at rest. May be called twice, and without `connect`."""
        ...
