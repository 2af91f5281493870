"""A plane with a camera: the point goes to the red dot, closes there, goes on to the blue one and opens.

    start anywhere ----> red dot: close ----> blue dot: open, rest          10 ticks a second

Where the dots are is in the picture alone. Demonstrations have both inside a square; outside of it is extrapolation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace, Channel, ChannelKind
from segue_core.task_state import TaskState
from segue_policies.testing.dots import Dots

CARRYING = ActionSpace(
    "carrying",
    10.0,
    (
        Channel("arm_position", ChannelKind.POSITION, 2, "m", (-1.0, -1.0), (1.0, 1.0)),
        Channel("arm_gripper", ChannelKind.GRIPPER, 1, "1", (0.0,), (1.0,)),
    ),
)
INSTRUCTION = "carry the red dot to the blue one"
CAMERA, SIDE = "top", 24  # [px]
INSIDE, OUTSIDE = 0.55, 0.85  # half sides of the square of the demonstrations, and of what lies around it [m]
STEP, LIMIT = 0.08, 0.10  # demonstrated and longest step [m per tick]
DRIFT = 0.006  # deviation of the body's disturbance per tick [m]
NEAR = 0.08  # of a dot [m]
PAUSE = 3  # ticks at a dot
RED, BLUE, GREY = (np.array(colour, dtype=np.float64) for colour in ([220, 40, 40], [40, 60, 220], [110] * 3))
DOT_M = 0.18  # radius of a dot, whose rim is a pixel wide [m]

Place = Literal["inside", "outside"]


def picture(red: NDArray[np.float64], blue: NDArray[np.float64]) -> NDArray[np.uint8]:
    """What the camera sees of dots at (2,) each, (h, w, 3); x right, y down."""
    across, down = np.meshgrid(*[np.linspace(-1, 1, SIDE)] * 2)
    shown = np.tile(GREY, (SIDE, SIDE, 1))
    for dot, colour in ((blue, BLUE), (red, RED)):
        share = np.clip((DOT_M - np.hypot(across - dot[0], down - dot[1])) * SIDE / 2 + 0.5, 0, 1)[..., None]
        shown = (1 - share) * shown + share * colour
    return np.asarray(shown.round(), dtype=np.uint8)


class CarryingPlant:
    """A point that goes to its command as fast as it can, as `segue_eval.simulated_plant.Plant`."""

    def __init__(self, place: Place = "inside") -> None:
        self._place = place
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Everything where `seed` says."""
        self._rng = np.random.default_rng(seed)
        self.point = self._rng.uniform(-OUTSIDE, OUTSIDE, 2)
        self.red, self.blue = _dots(self._rng, self._place)
        self.gripper, self.carries, self.delivered = 1.0, False, False

    def measured(self) -> NDArray[np.float64]:
        """Point and gripper, (3,)."""
        return np.append(self.point, self.gripper)

    def images(self) -> Mapping[str, NDArray[np.uint8]]:
        """Of the one camera."""
        return {CAMERA: picture(self.red, self.blue)}

    def execute(self, action: NDArray[np.float64], tick: int) -> None:
        """One step towards `action` (3,)."""
        step = action[:2] - self.point
        step *= min(1.0, LIMIT / max(float(np.linalg.norm(step)), 1e-9))
        self.point = self.point + step + self._rng.normal(0, DRIFT, 2)
        closing = action[2] < 0.5 <= self.gripper
        self.gripper = 0.0 if action[2] < 0.5 else 1.0
        self.carries = (self.carries or (closing and self._at(self.red))) and self.gripper == 0.0
        if self.carries:
            self.red = self.point.copy()
        self.delivered = self.gripper == 1.0 and float(np.linalg.norm(self.red - self.blue)) < NEAR

    def task_state(self) -> TaskState:
        """The red dot lies on the blue one."""
        return TaskState(
            self.delivered, float(self.delivered), int(self.carries) + 2 * self.delivered, 2, "red on blue"
        )

    def interventions(self) -> Mapping[str, int]:
        """There is no guard."""
        return {}

    def world_state(self) -> None:
        """There is no simulator behind this."""

    def _at(self, dot: NDArray[np.float64]) -> bool:
        return float(np.linalg.norm(self.point - dot)) < NEAR


def _dots(rng: np.random.Generator, place: Place) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places (2,) of both dots, apart from each other."""
    reach = INSIDE if place == "inside" else OUTSIDE
    while True:
        red, blue = rng.uniform(-reach, reach, (2, 2))
        within = [float(np.abs(dot).max()) <= INSIDE for dot in (red, blue)]
        if np.linalg.norm(red - blue) > 4 * NEAR and (place == "inside" or not any(within)):
            return red, blue


@dataclass
class _Rows:
    images: list[NDArray[np.uint8]]
    state: list[NDArray[np.float64]]
    action: list[NDArray[np.float64]]
    episode: list[int]


def demonstrations(count: int, seed: int) -> Dots:
    """Episodes that go straight from dot to dot, corrected after every disturbance."""
    rows, plant = _Rows([], [], [], []), CarryingPlant()
    for episode in range(count):
        plant.reset(1_000_000 * (seed + 1) + episode)
        goals = ((plant.red.copy(), 1.0, 0.0), (plant.blue.copy(), 0.0, 1.0))
        for goal, before, after in goals:
            _go(plant, goal, before, after, episode, rows)
    images = np.stack(rows.images)[:, None]
    state, action = (np.stack(part).astype(np.float32) for part in (rows.state, rows.action))
    episodes = np.array(rows.episode)
    return Dots(images, state, action, episodes, (CAMERA,), CARRYING, CARRYING.rate_hz, INSTRUCTION)


def _go(
    plant: CarryingPlant, goal: NDArray[np.float64], before: float, after: float, episode: int, rows: _Rows
) -> None:
    """To a goal (2,) with the gripper as it was `before`, and `after` while it pauses there."""
    paused = 0
    while paused < PAUSE:
        step = goal - plant.point
        far = float(np.linalg.norm(step))
        there = paused > 0 or far < NEAR / 4
        paused += there
        action = np.append(plant.point + step * min(1.0, STEP / max(far, 1e-9)), after if there else before)
        rows.images.append(plant.images()[CAMERA])
        rows.state.append(plant.measured())
        rows.action.append(action)
        rows.episode.append(episode)
        plant.execute(action, 0)
