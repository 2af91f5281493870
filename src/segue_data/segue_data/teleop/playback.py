"""A recorded episode as the one who commands: the way to its first pose, then its commands tick by tick. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig

APPROACH_M_S = 0.15
CLOSE_M = 0.01


class Playback:
    """Plays `actions` (ticks, D) once.

    Attributes:
        aligned: the robot is where the episode begins, and the episode plays.
        done: every action was given.
    """

    def __init__(self, robot: RobotConfig, actions: Sequence[Floats]) -> None:
        self._robot, self._actions = robot, [np.asarray(action, dtype=np.float64) for action in actions]
        slices = robot.action_space.slices
        self._positions = [slices[n] for arm in robot.arms if (n := f"{arm.name}_position") in slices]
        self.let_go()

    def let_go(self) -> None:
        """Begin from the start the next time."""
        self._next = 0
        self._last: Floats | None = None
        self.aligned = False

    @property
    def done(self) -> bool:
        """Whether every action was given."""
        return self._next >= len(self._actions)

    def tick(self, measured: Floats) -> Floats:
        """The action (D,) of the next tick; the last one again when all were given."""
        if not self.aligned:
            self._last = self._step(measured if self._last is None else self._last)
            self.aligned = self._distance(measured, self._actions[0]) <= CLOSE_M and np.allclose(
                self._last, self._actions[0]
            )
            return np.array(self._last)
        action = self._actions[min(self._next, len(self._actions) - 1)]
        self._next += 1
        return np.array(action)

    def _step(self, last: Floats) -> Floats:
        wanted = self._actions[0]
        distance, step = self._distance(last, wanted), APPROACH_M_S / self._robot.tick_rate_hz
        share = 1.0 if distance <= step else step / distance
        return np.asarray(last + share * (wanted - last))

    def _distance(self, one: Floats, other: Floats) -> float:
        """Largest distance of a tool [m]; of any joint [rad] where the actions are joints."""
        if not self._positions:
            return float(np.abs(one - other).max())
        return max(float(np.linalg.norm(one[p] - other[p])) for p in self._positions)
