"""Small blocks that lie in one of the objects at the start, to be poured."""

import mujoco
import numpy as np
from pydantic import Field

from segue_core.arrays import Floats
from segue_core.contracts.base import StrictModel
from segue_core.contracts.task import FixtureConfig
from segue_sim.bowl import FLOOR_RADIUS, FOOT_HEIGHT, WALL
from segue_sim.layout import Layout
from segue_sim.parts.base import Part, options_of, set_free_pose

_MASS = 0.003
# Cubes for the cameras, balls for the physics: cubes in a bowl cost three times as much. The drag [N m s] stops a ball
# from rolling as a cube's edges would, and at this mass does nothing else.
_DRAG = 2e-6
_PER_LAYER = 4


class BlocksOptions(StrictModel):
    """How many blocks, and where they are."""

    inside: str = Field(description="the bowl that they lie in at the start")
    count: int = Field(default=8, ge=1, le=40, description="how many")
    half_size: float = Field(default=0.006, ge=0.003, le=0.012, description="half of an edge [m]")


class Blocks(Part):
    """Loose little cubes."""

    def __init__(self, name: str, options: BlocksOptions) -> None:
        super().__init__(name)
        self.options = options

    @property
    def names(self) -> tuple[str, ...]:
        """Bodies and joints of the blocks."""
        return tuple(f"{self.name}_{i}" for i in range(self.options.count))

    def build(self, spec: mujoco.MjSpec) -> None:
        """A body per block."""
        # What so many touching bodies come to is the same with a dense matrix (to 1e-10 per tick), in half the time.
        spec.option.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
        for name in self.names:
            body = spec.worldbody.add_body()
            body.name, body.pos = name, (0.0, 0.0, -1.0)
            joint = body.add_freejoint()
            joint.name, joint.damping = name, _DRAG
            half = self.options.half_size
            felt = body.add_geom()
            felt.type, felt.size, felt.group = mujoco.mjtGeom.mjGEOM_SPHERE, (1.1 * half, 0.0, 0.0), 3
            felt.mass, felt.friction, felt.condim, felt.solref = _MASS, (0.3, 0.005, 0.0002), 3, (0.008, 1.0)
            seen = body.add_geom()
            seen.name, seen.type, seen.size = name, mujoco.mjtGeom.mjGEOM_BOX, (half, half, half)
            seen.mass, seen.group, seen.contype, seen.conaffinity = 0.0, 2, 0, 0

    def place(self, model: mujoco.MjModel, data: mujoco.MjData, layout: Layout) -> None:
        """In layers over the bowl's floor, a little apart: they settle within the first ticks."""
        at, colour = layout.objects[self.options.inside], layout.fixtures[self.name].colour
        half = self.options.half_size
        for i, name in enumerate(self.names):
            layer, corner = divmod(i, _PER_LAYER)
            angle = at.yaw + np.pi / 2 * corner + 0.3 * layer
            reach = min(1.7 * half, FLOOR_RADIUS - 2 * half)
            x, y = at.x + reach * np.cos(angle), at.y + reach * np.sin(angle)
            height = FOOT_HEIGHT + WALL + half + 0.001 + layer * (2 * half + 0.002)
            set_free_pose(model, data, name, (x, y, height), angle)
            model.geom(name).rgba[:3] = colour

    def positions(self, data: mujoco.MjData) -> Floats:
        """Where the blocks are (count, 3) [m]."""
        return np.array([data.body(name).xpos for name in self.names], dtype=np.float64)


def create(name: str, config: FixtureConfig) -> Blocks:
    """Blocks with the options of `BlocksOptions`."""
    return Blocks(name, options_of(BlocksOptions, name, config))
