"""Things on the table: their shapes, how to grasp them, and the open box that they go into."""

from collections.abc import Callable
from dataclasses import dataclass

import mujoco

from segue_core.errors import unknown_name
from segue_core.task_config import ContainerConfig

_WALL = 0.004
# Sliding, torsional and rolling friction; rolling friction stops a ball that was put down.
_FRICTION = (1.0, 0.02, 0.002)
PALETTE: tuple[tuple[float, float, float], ...] = (
    (0.82, 0.14, 0.12),
    (0.11, 0.42, 0.82),
    (0.13, 0.60, 0.22),
    (0.93, 0.62, 0.08),
    (0.52, 0.20, 0.66),
    (0.08, 0.62, 0.66),
)


@dataclass(frozen=True)
class Thing:
    """One kind of object.

    `rest_height` is the height of its centre on the table, `grasp_height` where the tool centre point goes, `width`
    what the fingers close on, `slot` how far forward in the box the expert lets it go [m].
    """

    name: str
    rest_height: float
    grasp_height: float
    width: float
    elongated: bool
    slot: float
    build: Callable[[mujoco.MjsBody], None]


def _solid(
    body: mujoco.MjsBody, kind: mujoco.mjtGeom, size: tuple[float, ...], mass: float
) -> mujoco.MjsGeom:
    geom = body.add_geom()
    geom.type, geom.size, geom.mass = kind, (*size, *(0.0,) * (3 - len(size))), mass
    geom.condim, geom.friction, geom.group = 6, _FRICTION, 2
    geom.solref = (0.008, 1.0)
    return geom


def _jar(body: mujoco.MjsBody) -> None:
    _solid(body, mujoco.mjtGeom.mjGEOM_CYLINDER, (0.023, 0.028), 0.08)


def _marker(body: mujoco.MjsBody) -> None:
    geom = _solid(body, mujoco.mjtGeom.mjGEOM_BOX, (0.055, 0.011, 0.011), 0.03)
    geom.name = f"{body.name}_barrel"


def _ball(body: mujoco.MjsBody) -> None:
    _solid(body, mujoco.mjtGeom.mjGEOM_SPHERE, (0.022,), 0.04)


THINGS: dict[str, Thing] = {
    "jar": Thing("jar", 0.028, 0.030, 0.046, False, 0.035, _jar),
    "marker": Thing("marker", 0.011, 0.014, 0.022, True, 0.0, _marker),
    "ball": Thing("ball", 0.022, 0.020, 0.044, False, -0.035, _ball),
}


def thing(name: str) -> Thing:
    """The object called `name`. Raises ConfigError that lists the known ones."""
    if name not in THINGS:
        raise unknown_name("object", name, THINGS)
    return THINGS[name]


def add_thing(spec: mujoco.MjSpec, name: str) -> None:
    """Adds a free-floating object; it is placed at reset."""
    body = spec.worldbody.add_body()
    body.name = name
    body.pos = (0.0, 0.0, -1.0)
    body.add_freejoint().name = name
    thing(name).build(body)


def add_container(spec: mujoco.MjSpec, config: ContainerConfig) -> None:
    """Adds the white box, fixed to the table; its place is set at reset.

    Seen from above, inner size 2 hx by 2 hy, walls `_WALL` thick:

        +---------------+
        |      2 hx     |
        |   +-------+   |  x forward
        |   |       |   |
        +---------------+
    """
    body = spec.worldbody.add_body()
    body.name = "container"
    hx, hy = config.inner_half_size
    height = config.wall_height / 2
    walls = (
        ((0.0, 0.0, 0.002), (hx + _WALL, hy + _WALL, 0.002)),
        ((hx + _WALL / 2, 0.0, height), (_WALL / 2, hy + _WALL, height)),
        ((-hx - _WALL / 2, 0.0, height), (_WALL / 2, hy + _WALL, height)),
        ((0.0, hy + _WALL / 2, height), (hx, _WALL / 2, height)),
        ((0.0, -hy - _WALL / 2, height), (hx, _WALL / 2, height)),
    )
    for position, size in walls:
        geom = body.add_geom()
        geom.type, geom.pos, geom.size = mujoco.mjtGeom.mjGEOM_BOX, position, size
        geom.rgba, geom.group = (0.96, 0.96, 0.97, 1.0), 2
        geom.friction = (0.8, 0.02, 0.002)
