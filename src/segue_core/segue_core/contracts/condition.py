"""What may be asked of a world, as plain data: for scores, and for scripts that look before they go on.

Names are frames: an object, a body of a fixture (`fridge_door`), a named place (`fridge_handle`), `table`
(the origin of the base frame) or, where a thing may be a hand, `tool` (the nearest one).
"""

from pydantic import Field, model_validator

from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Angle, Coordinate, Positive, Vector3, refuse_reversed


class JointIs(StrictModel):
    """A joint of a fixture is beyond a value [m] or [rad]."""

    name: str
    above: Angle | None = None
    below: Angle | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "JointIs":
        if self.above is None and self.below is None:
            raise ValueError("needs above, below or both")
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError(f"nothing is above {self.above} and below {self.below}")
        return self


class Near(StrictModel):
    """Two frames are no farther apart than `within_m`; `level` ignores their heights."""

    what: str = "tool"
    to: str
    within_m: Positive
    offset: Vector3 = Field(default=(0.0, 0.0, 0.0), description="point in the axes of `to` [m]")
    level: bool = False


class Above(StrictModel):
    """`what` is at least `by_m` higher than `frame`."""

    what: str
    frame: str = "table"
    by_m: Coordinate


class Inside(StrictModel):
    """The origin of `what` lies between two corners in the axes of a frame [m]."""

    what: str
    frame: str
    low: Vector3
    high: Vector3

    @model_validator(mode="after")
    def _a_box(self) -> "Inside":
        refuse_reversed(self.low, self.high, "inside")
        return self


class Axis(StrictModel):
    """The z axis of `what` is within `within_rad` of that of the world, or of a frame; `lying` asks for level."""

    what: str
    frame: str = "table"
    within_rad: float = Field(default=0.35, gt=0, le=3.2)
    lying: bool = False


class Condition(StrictModel):
    """Everything that is given must hold."""

    held: str | None = Field(default=None, description="both fingers of a closing gripper touch it")
    free: str | None = Field(default=None, description="no gripper touches it with both fingers")
    joint: JointIs | None = None
    near: Near | None = None
    above: Above | None = None
    inside: Inside | None = None
    upright: Axis | None = None
    every: tuple["Condition", ...] = Field(default=(), description="more that must hold")
    none: tuple["Condition", ...] = Field(default=(), description="none of which may hold")
