"""Where everything stands at the start of an episode: drawn from a seed, before any physics."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_core.errors import ConfigError, ErrorCode
from segue_core.task_config import Region, TaskConfig
from segue_sim.objects import PALETTE

_TRIES = 1000


@dataclass(frozen=True)
class Placement:
    """Pose of an object on the table and its colour (RGB in [0, 1])."""

    x: float
    y: float
    yaw: float
    colour: tuple[float, float, float]


@dataclass(frozen=True)
class Layout:
    """Everything that a seed decides about an episode."""

    container: Placement
    objects: dict[str, Placement]
    table_tint: tuple[float, float, float]
    light: float


def _point(rng: np.random.Generator, region: Region) -> NDArray[np.float64]:
    return np.array([rng.uniform(*region.x), rng.uniform(*region.y)])


def _points(
    rng: np.random.Generator, task: TaskConfig, keep_off: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """One point per object, at least `object_gap` apart and clear of the container."""
    clear = float(np.hypot(*task.container.inner_half_size)) + 0.03
    points: list[NDArray[np.float64]] = []
    for _ in range(_TRIES):
        point = _point(rng, task.object_region)
        if np.linalg.norm(point - keep_off) < clear:
            continue
        if all(np.linalg.norm(point - other) >= task.object_gap for other in points):
            points.append(point)
        if len(points) == len(task.objects):
            return points
    raise ConfigError(
        ErrorCode.CONFIG_INVALID_VALUE,
        f"task '{task.name}': {len(task.objects)} objects {task.object_gap} m apart do not fit in object_region",
    )


def draw_layout(task: TaskConfig, seed: int) -> Layout:
    """The layout of episode `seed`. The same seed always gives the same layout."""
    rng = np.random.default_rng(seed)
    centre = _point(rng, task.container.region)
    container = Placement(
        float(centre[0]), float(centre[1]), rng.uniform(*task.container.yaw_rad), (0.96, 0.96, 0.97)
    )
    colours = rng.permutation(len(PALETTE)) if task.randomisation.colours else np.arange(len(PALETTE))
    objects = {
        name: Placement(
            float(p[0]), float(p[1]), rng.uniform(*task.object_yaw_rad), PALETTE[colours[i % len(PALETTE)]]
        )
        for i, (name, p) in enumerate(zip(task.objects, _points(rng, task, centre), strict=True))
    }
    tint = rng.uniform(-1, 1, 3) * task.randomisation.table_tint
    light = 1.0 + rng.uniform(-1, 1) * task.randomisation.light
    return Layout(container, objects, (float(tint[0]), float(tint[1]), float(tint[2])), float(light))
