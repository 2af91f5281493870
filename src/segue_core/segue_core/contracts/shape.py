"""Solid things as plain data: primitives that objects and fixtures of a task are put together from."""

from typing import Literal

from pydantic import Field, model_validator

from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import (
    Coordinate,
    Direction,
    NotNegative,
    Positive,
    Range,
    Share,
    Vector3,
)

SIZES = {"box": 3, "sphere": 1, "cylinder": 2, "capsule": 2, "tube": 3}


class Shape(StrictModel):
    """One primitive in the frame of its body.

    Sizes [m] by kind: box: half lengths along x, y, z; sphere: radius; cylinder and capsule: radius and half length
    along z; tube (twelve flat facets, open at both ends): inner radius, half length along z, thickness of the wall.
    """

    kind: Literal["box", "sphere", "cylinder", "capsule", "tube"]
    size: tuple[Positive, ...] = Field(description="sizes [m], see above")
    at: Vector3 = Field(default=(0.0, 0.0, 0.0), description="its middle [m]")
    turn_rad: Vector3 = Field(default=(0.0, 0.0, 0.0), description="rotation vector [rad]")
    mass_kg: NotNegative = Field(default=0.05, description="mass [kg]")
    colour: tuple[Share, Share, Share] | None = Field(
        default=None, description="RGB in [0, 1]; left out, the seed's colour"
    )
    opacity: float = Field(default=1.0, gt=0, le=1, description="1 is solid")
    friction: Positive = Field(default=1.0, description="sliding friction")
    solid: bool = Field(default=True, description="false: cameras see it, physics does not feel it")
    visible: bool = Field(default=True, description="false: physics feels it, cameras do not see it")

    @model_validator(mode="after")
    def _sized(self) -> "Shape":
        if len(self.size) != SIZES[self.kind]:
            raise ValueError(f"a {self.kind} has {SIZES[self.kind]} sizes, not {len(self.size)}")
        return self


class Marker(StrictModel):
    """A named place on a body: where a hand goes, or what a condition looks at."""

    at: Vector3 = Field(default=(0.0, 0.0, 0.0), description="in the body's frame [m]")
    turn_rad: Vector3 = Field(default=(0.0, 0.0, 0.0), description="rotation vector of its axes [rad]")


class ThingConfig(StrictModel):
    """A kind of loose object that a task brings along."""

    shapes: tuple[Shape, ...] = Field(min_length=1)
    rest_height_m: Coordinate = Field(description="height of its origin when it stands on the table [m]")
    turn_rad: Vector3 = Field(default=(0.0, 0.0, 0.0), description="how it lies before its yaw [rad]")
    sites: dict[str, Marker] = Field(default={}, description="named places on it: `<object>_<name>`")


class JointConfig(StrictModel):
    """How a body moves on the one that carries it."""

    kind: Literal["slide", "hinge"]
    axis: Direction = Field(description="direction of positive motion, in the body's frame")
    range: Range = Field(description="least and greatest value [m] or [rad]")
    damping: NotNegative = Field(default=1.0, description="[N s/m] or [N m s/rad]")
    friction: NotNegative = Field(default=0.0, description="dry friction [N] or [N m]")
    stiffness: NotNegative = Field(default=0.0, description="spring to value 0, [N/m] or [N m/rad]")


class BodyConfig(StrictModel):
    """One body of an assembly."""

    carrier: str = Field(
        default="", description="the body that carries it; left out, the assembly's own frame"
    )
    at: Vector3 = Field(default=(0.0, 0.0, 0.0), description="its origin on that body [m]")
    turn_rad: Vector3 = Field(default=(0.0, 0.0, 0.0), description="rotation vector [rad]")
    joint: JointConfig | None = Field(default=None, description="how it moves; left out, it does not")
    free: bool = Field(
        default=False, description="it starts there and nothing holds it, such as a lid on a pan"
    )
    shapes: tuple[Shape, ...] = ()
    sites: dict[str, Marker] = Field(default={}, description="named places on it: `<fixture>_<name>`")

    @model_validator(mode="after")
    def _free_of_all(self) -> "BodyConfig":
        if self.free and (self.carrier or self.joint is not None):
            raise ValueError("a free body has no `carrier` and no `joint`")
        return self
