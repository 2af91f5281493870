"""A box with hinged doors: a wall cupboard, a fridge, a microwave oven, by its numbers.

Its frame is the middle of the lower edge of its front, which looks along -x, towards the robot.

    from above          y
     +-----------+      |          a door turns about an upright axis at the front:
     |           |      +-- x      0 is shut, and positive opens it towards the robot
     o-----------+  <- front
      \\  door, hinge left (+y)
       =  handle, an upright bar

Bodies are `<name>_frame` and `<name>_<door>`, joints `<name>_<door>`. Every door has the places `<name>_<door>_handle`
(middle of its bar) and `<name>_<door>_face` (on its front, where a hand pushes it); every shelf has
`<name>_shelf_<number>` (middle of its top; number 0 is the floor).
"""

from typing import Literal

from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Coordinate, NotNegative, Positive, Vector3
from segue_core.contracts.shape import BodyConfig, JointConfig, Marker, Shape
from segue_core.contracts.task import FixtureConfig
from segue_sim.parts.assembly import Assembly, AssemblyOptions
from segue_sim.parts.base import options_of

_GAP = 0.002  # between a door and what it closes [m]
_TO_HANDLE = 0.7  # a hand pushes a door at this part of the way from its hinge to its handle
_SHUT_TO_OPEN = 2.0  # how far a door turns [rad]
_METAL: Vector3 = (0.30, 0.31, 0.33)


class HandleOptions(StrictModel):
    """An upright bar before a door, on two brackets."""

    from_hinge: Positive = Field(description="distance of the bar from the door's axis [m]")
    height: Coordinate = Field(description="its middle over the cupboard's underside [m]")
    length: Positive = Field(default=0.24, description="[m]")
    stand_off: Positive = Field(default=0.05, description="axis of the bar before the door's face [m]")
    radius: Positive = Field(default=0.009, description="[m]")


class DoorOptions(StrictModel):
    """A door, hinged left or right as the robot sees it."""

    hinge: Literal["left", "right"] = "left"
    low: NotNegative = Field(default=0.0, description="lower edge over the cupboard's underside [m]")
    high: Positive = Field(description="upper edge [m]")
    width: Positive = Field(description="from the hinge to the free edge [m]")
    thickness: Positive = Field(default=0.02, description="[m]")
    mass_kg: Positive = Field(default=3.0, description="[kg]")
    damping: Positive = Field(default=1.0, description="of its hinge [N m s/rad]")
    friction: NotNegative = Field(default=0.4, description="dry friction of its hinge [N m]")
    handle: HandleOptions
    window: bool = Field(default=False, description="a dark pane, as ovens have it")


class CupboardOptions(StrictModel):
    """A box by its numbers."""

    depth: Positive = Field(description="[m]")
    width: Positive = Field(description="[m]")
    height: Positive = Field(description="[m]")
    wall: Positive = Field(default=0.018, description="thickness of its walls [m]")
    shelves: tuple[Positive, ...] = Field(
        default=(), description="tops of its shelves over the underside [m]"
    )
    colour: Vector3 = Field(default=(0.86, 0.86, 0.84), description="RGB in [0, 1] of the box")
    door_colour: Vector3 | None = Field(
        default=None, description="RGB of the doors; left out, the seed's colour"
    )
    panel: NotNegative = Field(
        default=0.0, description="width of a fixed front on the right, as for knobs [m]"
    )
    doors: dict[str, DoorOptions] = Field(min_length=1)


def _box(low: Vector3, high: Vector3, colour: Vector3 | None, mass: float) -> Shape:
    """The box between two corners."""
    middle = tuple((a + b) / 2 for a, b in zip(low, high, strict=True))
    half = tuple((b - a) / 2 for a, b in zip(low, high, strict=True))
    return Shape(kind="box", size=half, at=middle, colour=colour, mass_kg=mass)


def _frame(options: CupboardOptions) -> BodyConfig:
    depth, side, top, wall = options.depth, options.width / 2, options.height, options.wall
    corners = [
        ((0.0, -side, 0.0), (depth, side, wall)),
        ((0.0, -side, top - wall), (depth, side, top)),
        ((depth - wall, -side, wall), (depth, side, top - wall)),
        ((0.0, side - wall, wall), (depth, side, top - wall)),
        ((0.0, -side, wall), (depth, wall - side, top - wall)),
    ]
    corners += [
        ((0.01, wall - side, height - wall), (depth - wall, side - wall, height))
        for height in options.shelves
    ]
    if options.panel:
        corners.append(((0.0, wall - side, wall), (wall, options.panel - side, top - wall)))
    places = {
        f"shelf_{number}": Marker(at=(depth / 2, 0.0, height))
        for number, height in enumerate((wall, *options.shelves))
    }
    return BodyConfig(shapes=tuple(_box(*pair, options.colour, 1.0) for pair in corners), sites=places)


def _handle(handle: HandleOptions, face: float, along: float, middle: float) -> tuple[Shape, ...]:
    """Bar and brackets in a door's frame: `face` is its front's x, `along` its free edge's sign in y."""
    y, z = along * handle.from_hinge, handle.height - middle
    half = handle.length / 2
    bar = Shape(
        kind="capsule",
        size=(handle.radius, half),
        at=(face - handle.stand_off, y, z),
        colour=_METAL,
        mass_kg=0.2,
    )
    thin = handle.radius * 0.7
    brackets = (
        _box(
            (face - handle.stand_off, y - thin, z + end - thin),
            (face, y + thin, z + end + thin),
            _METAL,
            0.05,
        )
        for end in (-half, half)
    )
    return (bar, *brackets)


def _door(name: str, options: CupboardOptions, door: DoorOptions) -> BodyConfig:
    """A door's frame is on its hinge, in the middle of its height; its free edge is at `along` * width."""
    along = -1.0 if door.hinge == "left" else 1.0
    middle, half = (door.low + door.high) / 2, (door.high - door.low) / 2
    inner, outer = -_GAP, -_GAP - door.thickness
    ends = sorted((0.0, along * door.width))
    leaf = _box((outer, ends[0], -half), (inner, ends[1], half), options.door_colour, door.mass_kg)
    shapes = [leaf, *_handle(door.handle, outer, along, middle)]
    if door.window:
        y = sorted((along * 0.12 * door.width, along * 0.78 * door.width))
        pane = _box((outer - 0.001, y[0], -0.7 * half), (outer, y[1], 0.7 * half), (0.06, 0.07, 0.08), 0.01)
        shapes.append(pane)
    bar = (outer - door.handle.stand_off, along * door.handle.from_hinge, door.handle.height - middle)
    face = (outer, _TO_HANDLE * bar[1], bar[2])
    return BodyConfig(
        carrier="frame",
        at=(0.0, -along * options.width / 2, middle),
        joint=JointConfig(
            kind="hinge",
            axis=(0.0, 0.0, along),
            range=(0.0, _SHUT_TO_OPEN),
            damping=door.damping,
            friction=door.friction,
        ),
        shapes=tuple(shapes),
        sites={f"{name}_handle": Marker(at=bar), f"{name}_face": Marker(at=face)},
    )


def create(name: str, config: FixtureConfig) -> Assembly:
    """A cupboard with the options of `CupboardOptions`."""
    options = options_of(CupboardOptions, name, config)
    bodies = {"frame": _frame(options)}
    bodies |= {door: _door(door, options, numbers) for door, numbers in options.doors.items()}
    return Assembly(name, AssemblyOptions(bodies=bodies), tuple(config.joints))
