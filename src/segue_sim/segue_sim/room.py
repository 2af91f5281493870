"""What is around the robot: a table top or a floor below its base frame, and light."""

import mujoco
import numpy as np

from segue_core.contracts.robot import RobotConfig

GROUND = "table"  # the geom that everything stands on, whatever it looks like
_TABLE_RGB, _FLOOR_RGB = (0.62, 0.56, 0.50), (0.52, 0.50, 0.48)
_WALL_RGB = (0.78, 0.79, 0.80)
_LIGHT = 0.38
_FRICTION = (1.0, 0.02, 0.002)
_TABLE_LIGHTS = (((0.5, 0.0, 2.5), (0.0, 0.0, -1.0)), ((2.0, -1.5, 2.5), (-0.6, 0.5, -1.0)))
_FLOOR_LIGHTS = (((-0.5, 0.5, 3.0), (0.6, -0.2, -0.8)), ((-0.8, -1.5, 2.6), (0.8, 0.5, -0.5)))


def add_room(spec: mujoco.MjSpec, robot: RobotConfig) -> None:
    """The ground at z = 0 and two lights without shadows (shadows cost ten times the rest of rendering)."""
    floor = robot.stand == "floor"
    for position, direction in _FLOOR_LIGHTS if floor else _TABLE_LIGHTS:
        light = spec.worldbody.add_light()
        light.pos, light.dir, light.castshadow = position, direction, False
        light.diffuse = (_LIGHT, _LIGHT, _LIGHT)
        if floor:  # no spots on a floor without end
            light.cutoff, light.exponent = 90.0, 0.0
    _add_floor(spec) if floor else _add_table(spec)


def _add_table(spec: mujoco.MjSpec) -> None:
    table = spec.worldbody.add_geom()
    table.name, table.type = GROUND, mujoco.mjtGeom.mjGEOM_BOX
    table.pos, table.size, table.group = (0.40, 0.0, -0.02), (0.60, 0.80, 0.02), 2
    table.rgba = (*_TABLE_RGB, 1.0)
    table.friction = _FRICTION


def _add_floor(spec: mujoco.MjSpec) -> None:
    """A floor without end below a plain wall-coloured sky."""
    floor = spec.worldbody.add_geom()
    floor.name, floor.type = GROUND, mujoco.mjtGeom.mjGEOM_PLANE
    floor.size, floor.group = (0.0, 0.0, 0.1), 2
    floor.rgba = (*_FLOOR_RGB, 1.0)
    floor.friction = _FRICTION
    sky = spec.add_texture()
    sky.name, sky.type = "wall", mujoco.mjtTexture.mjTEXTURE_SKYBOX
    sky.builtin, sky.width, sky.height = mujoco.mjtBuiltin.mjBUILTIN_FLAT, 16, 96
    sky.rgb1 = sky.rgb2 = _WALL_RGB


def paint_room(
    model: mujoco.MjModel, robot: RobotConfig, tint: tuple[float, float, float], light: float
) -> None:
    """The ground a little darker or lighter, and the lights too, as the seed has it."""
    colour = _FLOOR_RGB if robot.stand == "floor" else _TABLE_RGB
    model.geom(GROUND).rgba[:3] = np.clip(np.add(colour, tint), 0, 1)
    model.light_diffuse[:] = _LIGHT * light
