"""A small white cabinet with drawers one above the other. It stands loose on the table: a push moves it."""

from typing import Annotated

import mujoco
import numpy as np
from pydantic import Field

from segue_core.arrays import Floats
from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Positive
from segue_core.contracts.task import FixtureConfig
from segue_sim.layout import Layout
from segue_sim.parts.base import Part, options_of, set_free_pose

_BOX = mujoco.mjtGeom.mjGEOM_BOX
_WHITE, _FRONT, _INSIDE = (0.72, 0.73, 0.74, 1.0), (0.86, 0.87, 0.88, 1.0), (0.66, 0.58, 0.46, 1.0)
_PANEL = 0.006  # half a panel's thickness [m]
_GAP = 0.0015  # half of the gap around a drawer's front
_MASS, _DRAWER_MASS = 4.0, 0.25
_STAND_OFF = 0.032  # the handle's rod before the front
_ROD = (0.005, 0.005, 0.015)


class CabinetOptions(StrictModel):
    """Size of the cabinet."""

    drawers: int = Field(default=3, ge=1, le=5, description="how many drawers, one above the other")
    half_size: tuple[float, float] = Field(
        default=(0.075, 0.10), description="half of its depth and width [m]"
    )
    drawer_height: Annotated[float, Field(ge=0.05, le=10)] = Field(
        default=0.055, description="of one drawer [m]"
    )
    travel: Positive = Field(default=0.12, description="how far a drawer comes out [m]")


class Cabinet(Part):
    """Its frame is the middle of the underside; the fronts look along -x, towards the robot.

    side view      +--------+
             [=|   | 1      |   handles | before the fronts,
             [=|   | 2      |   drawers counted from the top
             [=|   | 3      |
                   +--------+    x ->
    """

    def __init__(self, name: str, options: CabinetOptions) -> None:
        super().__init__(name)
        self.options = options
        self.clearance = float(np.hypot(*options.half_size)) + 0.05

    @property
    def height(self) -> float:
        """Of the whole cabinet [m]."""
        return self.options.drawers * self.options.drawer_height + 4 * _PANEL

    def drawer(self, number: int) -> str:
        """Name of the drawer's body and joint; the highest is number 1."""
        return f"{self.name}_drawer_{number}"

    def build(self, spec: mujoco.MjSpec) -> None:
        """Panels on a loose body, drawers sliding in it."""
        body = spec.worldbody.add_body()
        body.name = self.name
        body.add_freejoint().name = self.name
        depth, width = self.options.half_size
        middle, top = self.height / 2, self.height
        panels = (
            ((0.0, 0.0, _PANEL), (depth, width, _PANEL)),
            ((0.0, 0.0, top - _PANEL), (depth, width, _PANEL)),
            ((depth - _PANEL, 0.0, middle), (_PANEL, width, middle)),
            ((0.0, width - _PANEL, middle), (depth, _PANEL, middle)),
            ((0.0, -width + _PANEL, middle), (depth, _PANEL, middle)),
        )
        for position, size in panels:
            _panel(body, position, size, _WHITE, _MASS / len(panels))
        for number in range(1, self.options.drawers + 1):
            self._add_drawer(body, number)
        for number in range(1, self.options.drawers):
            apart = spec.add_exclude()
            apart.bodyname1, apart.bodyname2 = self.drawer(number), self.drawer(number + 1)

    def _add_drawer(self, cabinet: mujoco.MjsBody, number: int) -> None:
        depth, width = self.options.half_size
        tall = self.options.drawer_height / 2 - _GAP
        body = cabinet.add_body()
        body.name = self.drawer(number)
        body.pos = (-depth, 0.0, self.height - 2 * _PANEL - (number - 0.5) * self.options.drawer_height)
        joint = body.add_joint()
        joint.name, joint.type, joint.axis = body.name, mujoco.mjtJoint.mjJNT_SLIDE, (-1.0, 0.0, 0.0)
        joint.range, joint.limited = (0.0, self.options.travel), mujoco.mjtLimited.mjLIMITED_TRUE
        joint.damping, joint.frictionloss, joint.armature = 8.0, 1.5, 0.05
        _panel(body, (-_PANEL, 0.0, 0.0), (_PANEL, width - _GAP, tall), _FRONT, _DRAWER_MASS / 2)
        inner, reach = width - 2 * _PANEL - 0.004, depth - _PANEL - 0.004
        low = -tall + 0.008
        for position, size in (
            ((reach, 0.0, low), (reach, inner, 0.002)),
            ((reach, inner, low + tall / 2), (reach, 0.002, tall / 2)),
            ((reach, -inner, low + tall / 2), (reach, 0.002, tall / 2)),
            ((2 * reach, 0.0, low + tall / 2), (0.002, inner, tall / 2)),
        ):
            _panel(body, position, size, _INSIDE, _DRAWER_MASS / 16)
        self._add_handle(body)

    def _add_handle(self, drawer: mujoco.MjsBody) -> None:
        """A rod upright before the front, on two brackets; group 2 geoms named after the drawer."""
        front = -2 * _PANEL
        rod = _panel(drawer, (front - _STAND_OFF, 0.0, 0.0), _ROD, _WHITE, 0.01)
        rod.name = f"{drawer.name}_rod"
        rod.condim, rod.friction = 4, (1.0, 0.02, 0.001)
        for number, height in enumerate((_ROD[2] - 0.003, 0.003 - _ROD[2])):
            arm = _panel(
                drawer, (front - _STAND_OFF / 2, 0.0, height), (_STAND_OFF / 2, 0.004, 0.003), _WHITE, 0.005
            )
            arm.name = f"{drawer.name}_bracket_{number}"

    def place(self, model: mujoco.MjModel, data: mujoco.MjData, layout: Layout) -> None:
        """Where the seed says, all drawers shut, handles in the seed's colour."""
        place = layout.fixtures[self.name]
        set_free_pose(model, data, self.name, (place.x, place.y, 0.0005), place.yaw)
        for number in range(1, self.options.drawers + 1):
            data.qpos[model.joint(self.drawer(number)).qposadr[0]] = 0.0
            for part in ("rod", "bracket_0", "bracket_1"):
                model.geom(f"{self.drawer(number)}_{part}").rgba[:3] = place.colour

    def graspable(self) -> dict[str, tuple[str, ...]]:
        """Every drawer, by its handle."""
        return {self.drawer(n): (self.drawer(n),) for n in range(1, self.options.drawers + 1)}

    def opening(self, data: mujoco.MjData, number: int) -> float:
        """How far a drawer is out [m]."""
        return float(data.joint(self.drawer(number)).qpos[0])

    def handle(self, data: mujoco.MjData, number: int) -> Floats:
        """Middle of a drawer's handle (3,) [m]."""
        return np.array(data.geom(f"{self.drawer(number)}_rod").xpos, dtype=np.float64)

    def position(self, data: mujoco.MjData) -> Floats:
        """Where the cabinet stands (3,) [m]."""
        return np.array(data.body(self.name).xpos, dtype=np.float64)

    def outward(self, data: mujoco.MjData) -> Floats:
        """Unit vector (3,) in which the drawers come out."""
        return -np.array(data.body(self.name).xmat.reshape(3, 3)[:, 0], dtype=np.float64)


def _panel(
    body: mujoco.MjsBody,
    position: tuple[float, float, float],
    half_size: tuple[float, float, float],
    rgba: tuple[float, float, float, float],
    mass: float,
) -> mujoco.MjsGeom:
    geom = body.add_geom()
    geom.type, geom.pos, geom.size, geom.rgba = _BOX, position, half_size, rgba
    geom.mass, geom.group, geom.friction = mass, 2, (0.9, 0.02, 0.002)
    return geom


def create(name: str, config: FixtureConfig) -> Cabinet:
    """A cabinet with the options of `CabinetOptions`."""
    return Cabinet(name, options_of(CabinetOptions, name, config))
