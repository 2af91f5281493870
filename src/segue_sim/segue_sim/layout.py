"""Where everything stands at the start of an episode: drawn from a seed, before any physics."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from segue_core.arrays import Floats
from segue_core.contracts.task import BasePose, FixtureConfig, Randomisation, Region, TaskConfig
from segue_core.errors import ConfigError, ErrorCode
from segue_sim.palette import PALETTE

_BEGINNINGS, _TRIES = 20, 1000
_MORE, _CHOICES = (
    101,
    2**31,
)  # stream of what layouts did not have at first, so that old seeds give what they always gave


@dataclass(frozen=True)
class Placement:
    """Pose on the table, colour (RGB in [0, 1]), and of a fixture its height [m] and where its joints start."""

    x: float
    y: float
    yaw: float
    colour: tuple[float, float, float]
    height: float = 0.0
    joints: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """Everything that a seed decides about an episode."""

    fixtures: dict[str, Placement]
    objects: dict[str, Placement]
    table_tint: tuple[float, float, float]
    light: float


def _point(rng: np.random.Generator, region: Region, drawn: Randomisation) -> Floats:
    sides = np.array([region.x, region.y])
    middle, half = sides.mean(axis=1), np.ptp(sides, axis=1) / 2
    if drawn.spread != 1.0:
        sides = np.stack([middle - drawn.spread * half, middle + drawn.spread * half], axis=1)
    while True:
        point = np.array([rng.uniform(*side) for side in sides])
        if not half.any() or (np.abs(point - middle) >= drawn.beyond * half)[half > 0].any():
            return point


def _regions(task: TaskConfig, seed: int) -> list[Region]:
    """Where each object may be; of several regions the seed chooses one."""
    rng, regions = np.random.default_rng([seed, _MORE, _CHOICES]), []
    for name in task.objects:
        own = task.object_regions.get(name, task.object_region)
        regions.append(own if isinstance(own, Region) else own[rng.integers(len(own))])
    return regions


def _points(
    rng: np.random.Generator, task: TaskConfig, regions: list[Region], keep_off: list[tuple[Floats, float]]
) -> list[Floats]:
    """One point per object, at least `object_gap` apart and clear of the fixtures (centre, distance)."""
    for _ in range(_BEGINNINGS):
        points = _one_by_one(rng, task, regions, keep_off)
        if len(points) == len(task.objects):
            return points
    raise ConfigError(
        ErrorCode.CONFIG_INVALID_VALUE,
        f"task '{task.name}': {len(task.objects)} objects {task.object_gap} m apart do not fit in object_region",
        do="lower object_gap, or let them spread",
    )


def _one_by_one(
    rng: np.random.Generator, task: TaskConfig, regions: list[Region], keep_off: list[tuple[Floats, float]]
) -> list[Floats]:
    """Points where they fit; fewer than objects when those that came first left no room."""
    points: list[Floats] = []
    for _ in range(_TRIES):
        if len(points) == len(regions):
            break
        point = _point(rng, regions[len(points)], task.randomisation)
        if any(np.linalg.norm(point - centre) < clear for centre, clear in keep_off):
            continue
        if all(np.linalg.norm(point - other) >= task.object_gap for other in points):
            points.append(point)
    return points


def draw_layout(task: TaskConfig, seed: int, clearances: Mapping[str, float] | None = None) -> Layout:
    """The layout of episode `seed`. The same seed always gives the same layout.

    Args:
        clearances: how far objects stay away from the centre of a fixture [m], by its name; default 0.
    """
    rng = np.random.default_rng(seed)
    spots = {
        name: (_point(rng, f.region, task.randomisation), rng.uniform(*f.yaw_rad))
        for name, f in task.fixtures.items()
    }
    keep_off = [(point, (clearances or {}).get(name, 0.0)) for name, (point, _) in spots.items()]
    order = rng.permutation(len(PALETTE)) if task.randomisation.colours else np.arange(len(PALETTE))
    colours = [PALETTE[i] for i in order]
    objects = {
        name: Placement(
            float(p[0]), float(p[1]), rng.uniform(*task.object_yaw_rad), colours[i % len(colours)]
        )
        for i, (name, p) in enumerate(
            zip(task.objects, _points(rng, task, _regions(task, seed), keep_off), strict=True)
        )
    }
    fixtures = {
        name: Placement(float(p[0]), float(p[1]), yaw, colours[(len(objects) + i) % len(colours)])
        for i, (name, (p, yaw)) in enumerate(spots.items())
    }
    fixtures = {
        name: _further(np.random.default_rng([seed, _MORE, i]), task.fixtures[name], place)
        for i, (name, place) in enumerate(fixtures.items())
    }
    tint = rng.uniform(-1, 1, 3) * task.randomisation.table_tint
    light = 1.0 + rng.uniform(-1, 1) * task.randomisation.light
    if task.randomisation.mirror and rng.random() < 0.5:
        objects, fixtures = _mirrored(objects), _mirrored(fixtures)
    if task.base is not None:
        base = _base(np.random.default_rng([seed, _MORE, len(fixtures)]), task.base)
        objects, fixtures = _seen_from(base, objects), _seen_from(base, fixtures)
    return Layout(fixtures, objects, (float(tint[0]), float(tint[1]), float(tint[2])), float(light))


def _further(rng: np.random.Generator, fixture: FixtureConfig, place: Placement) -> Placement:
    joints = {joint: float(rng.uniform(*between)) for joint, between in fixture.joints.items()}
    return replace(place, height=float(rng.uniform(*fixture.height_m)), joints=joints)


def _base(rng: np.random.Generator, base: BasePose) -> tuple[float, float, float]:
    return rng.uniform(*base.x), rng.uniform(*base.y), rng.uniform(*base.yaw_rad)


def _seen_from(base: tuple[float, float, float], places: dict[str, Placement]) -> dict[str, Placement]:
    """Places of the room in the frame of a base that stands at x, y [m] and yaw [rad] in it."""
    x, y, yaw = base
    cos, sin = float(np.cos(yaw)), float(np.sin(yaw))

    def seen(place: Placement) -> Placement:
        ahead, aside = place.x - x, place.y - y
        return replace(place, x=cos * ahead + sin * aside, y=cos * aside - sin * ahead, yaw=place.yaw - yaw)

    return {name: seen(place) for name, place in places.items()}


def _mirrored(places: dict[str, Placement]) -> dict[str, Placement]:
    return {name: replace(place, y=-place.y, yaw=-place.yaw) for name, place in places.items()}
