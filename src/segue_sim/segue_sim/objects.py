"""Loose things on the table: their shapes and how to grasp them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import mujoco

from segue_core.contracts.shape import ThingConfig
from segue_core.errors import unknown_name
from segue_sim.bowl import add_bowl
from segue_sim.shapes import add_marker, add_shape

# Sliding, torsional and rolling friction; rolling friction stops a ball that was put down.
_FRICTION = (1.0, 0.02, 0.002)


@dataclass(frozen=True)
class Thing:
    """One kind of object.

    `rest_height` is the height of its centre on the table, `grasp_height` where the tool centre point goes, `width`
    what the fingers close on, `slot` how far forward in the box the expert lets it go [m], `turn` how it lies.
    """

    name: str
    rest_height: float
    grasp_height: float
    width: float
    elongated: bool
    slot: float
    build: Callable[[mujoco.MjSpec, mujoco.MjsBody], None]
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)


def _solid(
    body: mujoco.MjsBody, kind: mujoco.mjtGeom, size: tuple[float, ...], mass: float
) -> mujoco.MjsGeom:
    geom = body.add_geom()
    geom.type, geom.size, geom.mass = kind, (*size, *(0.0,) * (3 - len(size))), mass
    geom.condim, geom.friction, geom.group = 6, _FRICTION, 2
    geom.solref = (0.008, 1.0)
    return geom


def _jar(spec: mujoco.MjSpec, body: mujoco.MjsBody) -> None:
    _solid(body, mujoco.mjtGeom.mjGEOM_CYLINDER, (0.023, 0.028), 0.08)


def _marker(spec: mujoco.MjSpec, body: mujoco.MjsBody) -> None:
    geom = _solid(body, mujoco.mjtGeom.mjGEOM_BOX, (0.055, 0.011, 0.011), 0.03)
    geom.name = f"{body.name}_barrel"


def _ball(spec: mujoco.MjSpec, body: mujoco.MjsBody) -> None:
    _solid(body, mujoco.mjtGeom.mjGEOM_SPHERE, (0.022,), 0.04)


THINGS: dict[str, Thing] = {
    "jar": Thing("jar", 0.028, 0.030, 0.046, False, 0.035, _jar),
    "marker": Thing("marker", 0.011, 0.014, 0.022, True, 0.0, _marker),
    "ball": Thing("ball", 0.022, 0.020, 0.044, False, -0.035, _ball),
    "bowl": Thing("bowl", 0.0, 0.04, 0.004, False, 0.0, add_bowl),
}


def thing(name: str, declared: Mapping[str, ThingConfig] | None = None) -> Thing:
    """The object called `name`: a kind, or one of several of a kind (`bowl_2`); `declared` are the task's own kinds.

    Raises:
        ConfigError: no such kind; the known ones are listed.
    """
    kind = re.sub(r"_[0-9]+$", "", name)
    if declared and kind in declared:
        return _declared(kind, declared[kind])
    if kind not in THINGS:
        raise unknown_name("object", name, {**THINGS, **(declared or {})})
    return THINGS[kind]


def _declared(kind: str, config: ThingConfig) -> Thing:
    build = partial(_put_together, config)
    return Thing(kind, config.rest_height_m, config.rest_height_m, 0.0, False, 0.0, build, config.turn_rad)


def _put_together(config: ThingConfig, spec: mujoco.MjSpec, body: mujoco.MjsBody) -> None:
    for number, shape in enumerate(config.shapes):
        add_shape(body, shape, number)
    for name, marker in config.sites.items():
        add_marker(body, f"{body.name}_{name}", marker)


def add_thing(spec: mujoco.MjSpec, name: str, declared: Mapping[str, ThingConfig] | None = None) -> None:
    """Adds a free-floating object; it is placed at reset."""
    body = spec.worldbody.add_body()
    body.name = name
    body.pos = (0.0, 0.0, -1.0)
    body.add_freejoint().name = name
    thing(name, declared).build(spec, body)
