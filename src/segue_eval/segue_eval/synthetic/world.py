"""The plane: where to go, what demonstrations look like, and a body with a limited speed.

A path is a function of x: straight on, round the obstacle on `side`, straight on.

    x     START_X .. FORK        RISEN .. FALLING        LANDED .. GOAL_X
    y     0                      side * HEIGHT           0
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace, Channel, ChannelKind
from segue_core.task_state import TaskState

PLANE = ActionSpace(
    "plane", 30.0, (Channel("point", ChannelKind.POSITION, 2, "m", (-2.0, -2.0), (2.0, 2.0)),)
)
SPEED = 1 / 48  # demonstrated advance in x [m per tick]
FORK, RISEN, FALLING, LANDED, GOAL_X = 0.34, 0.44, 0.56, 0.66, 1.0
HEIGHT = 0.22
OBSTACLE, RADIUS = np.array([0.5, 0.0]), 0.10
STEP_LIMIT = 0.09  # longest step of the body [m per tick]
DRIFT = 0.004  # deviation of the body's disturbance per tick [m]
OFF_PATH, MEASURED, RECOVERY = 0.015, 0.006, 0.7
"""Deviation of demonstrations from their path and of the state from the truth [m]; share of the offset that stays."""


def height(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """|y| of a path at `x`, any shape."""
    up = np.clip((x - FORK) / (RISEN - FORK), 0, 1)
    down = np.clip((LANDED - x) / (LANDED - FALLING), 0, 1)
    rise = np.minimum(up, down)
    smooth: NDArray[np.float64] = HEIGHT * rise**2 * (3 - 2 * rise)
    return smooth


@dataclass(frozen=True, eq=False)
class Samples:
    """Measured states (n, 2) and the actions (n, rows, 2) that a demonstration goes on with, float32."""

    state: NDArray[np.float32]
    actions: NDArray[np.float32]


def demonstrations(count: int, rows: int, seed: int) -> Samples:
    """Samples anywhere along paths of either side, a little off the path, which they return to."""
    rng = np.random.default_rng(seed)
    x, side = rng.uniform(-0.25, GOAL_X, (count, 1)), rng.choice([-1.0, 1.0], (count, 1))
    off = rng.normal(0, OFF_PATH, (count, 1))
    here = np.concatenate([x, side * height(x) + off], axis=1)
    ahead = np.minimum(x + SPEED * np.arange(1, rows + 1), GOAL_X)
    along = side * height(ahead) + off * RECOVERY ** np.arange(1, rows + 1)
    state = here + rng.normal(0, MEASURED, here.shape)
    return Samples(state.astype(np.float32), np.stack([ahead, along], axis=-1).astype(np.float32))


class PointPlant:
    """A point that goes to its command as fast as it can, as `segue_eval.simulated_plant.Plant`."""

    def __init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Start left of the fork; where, and every disturbance, is decided by `seed`."""
        self._rng = np.random.default_rng(seed)
        self._point = np.array([self._rng.uniform(-0.2, 0.0), 0.0])
        self._hit = False

    def measured(self) -> NDArray[np.float64]:
        """Where the point is, (2,)."""
        return np.array(self._point)

    def images(self) -> Mapping[str, NDArray[np.uint8]]:
        """No cameras."""
        return {}

    def execute(self, action: NDArray[np.float64], tick: int) -> None:
        """One step towards `action` (2,)."""
        step = action - self._point
        step *= min(1.0, STEP_LIMIT / max(float(np.linalg.norm(step)), 1e-9))
        self._point = self._point + step + self._rng.normal(0, DRIFT, 2)
        self._hit |= bool(np.linalg.norm(self._point - OBSTACLE) < RADIUS)

    def task_state(self) -> TaskState:
        """At the goal without having touched the obstacle."""
        there = bool(np.linalg.norm(self._point - [GOAL_X, 0.0]) < 0.05)
        done = there and not self._hit
        return TaskState(done, float(done), int(done), 1, "touched the obstacle" if self._hit else "free")

    def interventions(self) -> Mapping[str, int]:
        """There is no guard."""
        return {}

    def world_state(self) -> None:
        """There is no simulator behind this."""


def side_of(actions: NDArray[np.float32]) -> int:
    """Side (-1, 1) on which a chunk (H, 2) passes the obstacle; 0 when it does not say."""
    beside = actions[(actions[:, 0] > RISEN - 0.02) & (actions[:, 0] < FALLING + 0.02), 1]
    mean = float(beside.mean()) if len(beside) else 0.0
    return int(np.sign(mean)) if abs(mean) > HEIGHT / 4 else 0
