"""Grippers follow the newest opening that was commanded, at the speed of their actuators."""

import numpy as np

from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig


class GripperStream:
    """Openings (A,) in [0, 1], moved towards the newest target by at most `speed * period` per update.

    Targets are never mixed with one another: what lies between two of them is only the actuator on its way.
    """

    def __init__(self, robot: RobotConfig, period_s: float) -> None:
        self._step = np.array([arm.gripper.speed_per_s for arm in robot.arms]) * period_s
        self.reset(np.ones(len(robot.arms)))

    def reset(self, openings: Floats) -> None:
        """Begins at the measured openings (A,) and holds them."""
        self.openings = np.clip(openings, 0.0, 1.0)
        self.freeze()

    def freeze(self) -> None:
        """Holds the present openings and forgets the target."""
        self._target = self.openings

    def push(self, target: Floats) -> None:
        """Replaces the target (A,), finite; moved into [0, 1]."""
        self._target = np.clip(target, 0.0, 1.0)

    def advance(self) -> Floats:
        """One update; returns the openings (A,) to command."""
        self.openings = self.openings + np.clip(self._target - self.openings, -self._step, self._step)
        return self.openings
