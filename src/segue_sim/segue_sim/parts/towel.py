"""A towel: a coarse cloth of small bodies held together by springs, seen as one smooth skin.

Knots of the weave are bodies that move but do not turn, with a small ball each, which is what the table, the grippers
and other knots feel; a gripper holds the towel by a knot between its fingers. Springs run along and across the weave
and along one diagonal. MuJoCo's own elastic shells at a resolution that grippers could pinch anywhere need several
times real time for this; 35 knots do not.
"""

import itertools
from typing import Annotated

import mujoco
import numpy as np
from pydantic import Field

from segue_core.arrays import Floats
from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Positive
from segue_core.contracts.task import FixtureConfig
from segue_sim.layout import Layout
from segue_sim.parts.base import Part, options_of, yaw_quaternion

Knot = tuple[int, int]

_HIDDEN = 5  # group that no camera draws
_RADIUS = 0.008  # of a knot's ball [m]
_SKIN = 0.004  # half of the thickness that cameras see
_MASS = 0.12  # of the whole towel [kg]
_STIFFNESS, _DAMPING, _AIR = 120.0, 0.15, 0.01  # springs [N/m], [N s/m]; drag of a knot in the air [N s/m]


class TowelOptions(StrictModel):
    """Size and weave of the towel; along x there is a row of knots in the middle and at the quarters."""

    size: tuple[Positive, Positive] = Field(default=(0.28, 0.26), description="length along x and y [m]")
    knots: tuple[Annotated[int, Field(ge=3, le=15)], Annotated[int, Field(ge=3, le=15)]] = Field(
        default=(5, 7), description="how many along x and y"
    )


class Towel(Part):
    """Knot (i, j) lies at row i along x and column j along y:

    (nx-1, 0) ---- (nx-1, ny-1)   far, x forward
        |               |
      (0, 0)  ------ (0, ny-1)    near; y grows to the robot's left
    """

    def __init__(self, name: str, options: TowelOptions) -> None:
        super().__init__(name)
        self.options = options
        self.clearance = float(np.hypot(*options.size)) / 2 + 0.03

    def knot(self, i: int, j: int) -> str:
        """Name of a knot's body."""
        return f"{self.name}_{i}_{j}"

    def _knots(self) -> list[Knot]:
        nx, ny = self.options.knots
        return list(itertools.product(range(nx), range(ny)))

    def _flat(self) -> dict[Knot, Floats]:
        """Where each knot lies in the flat towel, seen from its middle (2,) [m]."""
        (nx, ny), (length, width) = self.options.knots, self.options.size
        return {
            (i, j): np.array([(i / (nx - 1) - 0.5) * length, (j / (ny - 1) - 0.5) * width])
            for i, j in self._knots()
        }

    def build(self, spec: mujoco.MjSpec) -> None:
        """Knots, springs and the skin."""
        flat = self._flat()
        for (i, j), spot in flat.items():
            self._add_knot(spec, self.knot(i, j), spot)
        nx, ny = self.options.knots
        for i, j in flat:
            for di, dj in ((1, 0), (0, 1), (1, 1), (1, -1)):
                if i + di < nx and 0 <= j + dj < ny:
                    self._add_spring(spec, (i, j), (i + di, j + dj), flat)
        self._add_skin(spec)

    def _add_knot(self, spec: mujoco.MjSpec, name: str, spot: Floats) -> None:
        body = spec.worldbody.add_body()
        body.name, body.pos = name, (*spot, 0.0)
        for axis, direction in zip("xyz", np.eye(3), strict=True):
            joint = body.add_joint()
            joint.name, joint.type = f"{name}_{axis}", mujoco.mjtJoint.mjJNT_SLIDE
            joint.axis, joint.damping = direction, _AIR
        ball = body.add_geom()
        ball.type, ball.size, ball.group = mujoco.mjtGeom.mjGEOM_SPHERE, (_RADIUS, 0.0, 0.0), 3
        ball.mass, ball.friction, ball.condim = _MASS / len(self._knots()), (0.8, 0.01, 0.001), 3
        ball.solref = (0.01, 1.0)
        site = body.add_site()
        site.name, site.group = name, _HIDDEN

    def _add_spring(self, spec: mujoco.MjSpec, a: Knot, b: Knot, flat: dict[Knot, Floats]) -> None:
        rope = spec.add_tendon()
        rope.name = f"{self.name}_{a[0]}_{a[1]}_{b[0]}_{b[1]}"
        rope.wrap_site(self.knot(*a))
        rope.wrap_site(self.knot(*b))
        length = float(np.linalg.norm(flat[a] - flat[b]))
        diagonal = a[0] != b[0] and a[1] != b[1]
        rope.stiffness = _STIFFNESS * (0.2 if diagonal else 1.0)
        rope.springlength, rope.damping = (0.0, length), _DAMPING
        rope.group = _HIDDEN

    def _add_skin(self, spec: mujoco.MjSpec) -> None:
        nx, ny = self.options.knots
        index = {knot: n for n, knot in enumerate(self._knots())}
        corners = [
            (index[i, j], index[i + 1, j], index[i + 1, j + 1], index[i, j + 1])
            for i, j in itertools.product(range(nx - 1), range(ny - 1))
        ]
        flat = np.array([(*spot, 0.0) for spot in self._flat().values()])
        skin = spec.add_skin()
        skin.name, skin.inflate, skin.group = self.name, _SKIN, 2
        skin.vert, skin.face = flat.ravel(), [n for a, b, c, d in corners for n in (a, b, c, a, c, d)]
        skin.bodyname = [self.knot(*knot) for knot in index]
        skin.bindpos, skin.bindquat = flat.ravel(), np.tile((1.0, 0.0, 0.0, 0.0), len(index))
        skin.vertid, skin.vertweight = [[n] for n in index.values()], [[1.0]] * len(index)
        skin.rgba = (0.8, 0.8, 0.8, 1.0)

    def place(self, model: mujoco.MjModel, data: mujoco.MjData, layout: Layout) -> None:
        """Flat on the table, where the seed says, in the seed's colour."""
        at = layout.fixtures[self.name]
        c, s = np.cos(at.yaw), np.sin(at.yaw)
        for (i, j), (x, y) in self._flat().items():
            body = model.body(self.knot(i, j))
            body.pos[:] = (at.x + c * x - s * y, at.y + s * x + c * y, _RADIUS)
            body.quat[:] = yaw_quaternion(at.yaw)
        model.skin_rgba[model.skin(self.name).id, :3] = at.colour

    def graspable(self) -> dict[str, tuple[str, ...]]:
        """The towel as a whole, by any knot."""
        return {self.name: tuple(self.knot(i, j) for i, j in self._knots())}

    def at(self, data: mujoco.MjData, i: int, j: int) -> Floats:
        """Where a knot is (3,) [m]; negative numbers count from the far end."""
        nx, ny = self.options.knots
        return np.array(data.body(self.knot(i % nx, j % ny)).xpos, dtype=np.float64)

    def points(self, data: mujoco.MjData) -> Floats:
        """All knots (nx, ny, 3) [m]."""
        nx, ny = self.options.knots
        return np.array([self.at(data, i, j) for i, j in self._knots()]).reshape(nx, ny, 3)


def create(name: str, config: FixtureConfig) -> Towel:
    """A towel with the options of `TowelOptions`."""
    return Towel(name, options_of(TowelOptions, name, config))
