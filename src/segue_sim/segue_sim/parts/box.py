"""The white, open box that objects go into; it is fixed to the table."""

import mujoco
import numpy as np
from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Positive
from segue_core.contracts.task import FixtureConfig
from segue_sim.layout import Layout
from segue_sim.parts.base import Part, options_of, yaw_quaternion

_WALL = 0.004
_COLOUR = (0.96, 0.96, 0.97, 1.0)


class BoxOptions(StrictModel):
    """Size of the box."""

    inner_half_size: tuple[Positive, Positive] = Field(
        description="half of the inner length along x and y [m]"
    )
    wall_height: Positive = Field(description="height of the walls [m]")


class Box(Part):
    """Seen from above, inner size 2 hx by 2 hy, walls `_WALL` thick:

    +---------------+
    |      2 hx     |
    |   +-------+   |  x forward
    |   |       |   |
    +---------------+
    """

    def __init__(self, name: str, options: BoxOptions) -> None:
        super().__init__(name)
        self.options = options
        self.clearance = float(np.hypot(*options.inner_half_size)) + 0.03

    def build(self, spec: mujoco.MjSpec) -> None:
        """A floor and four walls."""
        body = spec.worldbody.add_body()
        body.name = self.name
        hx, hy = self.options.inner_half_size
        height = self.options.wall_height / 2
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
            geom.rgba, geom.group = _COLOUR, 2
            geom.friction = (0.8, 0.02, 0.002)

    def place(self, model: mujoco.MjModel, data: mujoco.MjData, layout: Layout) -> None:
        """Where the seed says; it is not a moving body."""
        body, place = model.body(self.name), layout.fixtures[self.name]
        body.pos[:] = (place.x, place.y, 0.0)
        body.quat[:] = yaw_quaternion(place.yaw)

    def holds(self, position: np.ndarray, layout: Layout) -> bool:
        """Whether a point (3,) [m] lies inside; up to 4 cm above the walls: one object may lie on another."""
        place = layout.fixtures[self.name]
        centre = np.array([place.x, place.y, 0.0])
        return inside_box(position, centre, place.yaw, self.options.inner_half_size, self.options.wall_height)


def inside_box(
    position: np.ndarray, box: np.ndarray, yaw: float, half: tuple[float, float], height: float
) -> bool:
    """Whether a point [m] lies in a box at `box` with `yaw`; up to 4 cm above its walls."""
    offset = position - box
    c, s = np.cos(yaw), np.sin(yaw)
    x, y = c * offset[0] + s * offset[1], -s * offset[0] + c * offset[1]
    return bool(abs(x) < half[0] and abs(y) < half[1] and offset[2] < height + 0.04)


def create(name: str, config: FixtureConfig) -> Box:
    """A box with the options of `BoxOptions`."""
    return Box(name, options_of(BoxOptions, name, config))
