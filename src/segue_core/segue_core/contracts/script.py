"""Scripts of demonstrations as plain data: what a hand does, one step after the other; see docs/tasks.md."""

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from segue_core.contracts.base import StrictModel
from segue_core.contracts.condition import Condition
from segue_core.contracts.quantities import Angle, NotNegative, Positive, PositiveShare, Vector3


class Go(StrictModel):
    """Bring the tool, or what it holds, to a place."""

    to: str = Field(description="a frame (see condition_config), `home`, or `here`: where the hand is")
    what: str = Field(default="tool", description="`tool`, or an object or place in the hand that goes there")
    offset: Vector3 = Field(default=(0.0, 0.0, 0.0), description="from `to`, in `axes` [m]")
    axes: Literal["world", "level", "target"] = Field(
        default="level",
        description="axes of offset and turn: the world's, with the target's yaw, the target's",
    )
    turn_rad: Vector3 | None = Field(
        default=None, description="how the hand is turned from home, in `axes`; left out, as it is"
    )
    symmetric: bool = Field(default=True, description="the hand may as well be turned round its own axis")
    slow: PositiveShare = Field(default=1.0, description="part of full speed")
    within_m: Positive = Field(default=0.01, description="the next step begins when it is so near [m]")
    precise: bool = Field(default=False, description="wait for the tool itself; no disturbance, please")
    spread_m: NotNegative = Field(default=0.0, description="the seed moves the goal by up to this much [m]")


class Drive(StrictModel):
    """Move the tool as if it were fixed to a body, while that body's joint goes to a value."""

    joint: str
    to: Angle = Field(description="value of the joint at the end [m] or [rad]")
    turn: bool = Field(default=True, description="the hand turns with a hinge")
    slow: PositiveShare = 0.3


class Grip(StrictModel):
    """Open or close, standing still."""

    opening: float = Field(ge=0, le=1)
    ticks: int = Field(default=10, ge=1, le=300)


class Repeat(StrictModel):
    """Do steps until something holds; a step `need` that fails ends a try early."""

    until: Condition
    do: "Steps"
    tries: int = Field(default=3, ge=1, le=20)
    recover: "Steps | None" = Field(
        default=None, description="after a try that failed; left out: open, and up by 0.1 m"
    )


class For(StrictModel):
    """Do steps once for each name, which replaces `$<variable>` in them."""

    each: dict[str, tuple[str, ...]] = Field(min_length=1, max_length=1, description="{variable: [names]}")
    do: "Steps"


class Nearest(StrictModel):
    """The hand on whose side a frame is."""

    nearest: str


class Step(StrictModel):
    """One step: exactly one of these."""

    model_config = ConfigDict(serialize_by_alias=True)  # what is written can be read again

    go: Go | None = None
    drive: Drive | None = None
    grip: Grip | None = None
    wait: int | None = Field(default=None, ge=1, le=900, description="ticks to stand still")
    need: Condition | None = Field(default=None, description="otherwise the innermost `repeat` tries again")
    repeat: Repeat | None = None
    for_: For | None = Field(default=None, alias="for")
    hand: str | Nearest | None = Field(
        default=None, description="who does what follows: an arm by name or side"
    )
    together: dict[str, "Steps"] | None = Field(default=None, description="{arm: steps}, at the same time")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        """`grip: 0.5` is short for `grip: {opening: 0.5}`."""
        if isinstance(data, dict) and isinstance(data.get("grip"), int | float | str):
            return {**data, "grip": {"opening": data["grip"]}}
        return data

    @model_validator(mode="after")
    def _one(self) -> "Step":
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a step is exactly one of {', '.join(type(self).model_fields)}; got {given}")
        return self


Steps = tuple[Step, ...]


def for_each(loop: For) -> tuple[Steps, ...]:
    """The loop's steps, once per name, the variable replaced."""
    ((variable, names),) = loop.each.items()
    plain = [step.model_dump(by_alias=True, exclude_unset=True) for step in loop.do]
    return tuple(
        tuple(Step.model_validate(_replaced(step, f"${variable}", name)) for step in plain) for name in names
    )


def _replaced(data: Any, variable: str, name: str) -> Any:
    if isinstance(data, str):
        return data.replace(variable, name)
    if isinstance(data, dict):
        return {key: _replaced(value, variable, name) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_replaced(value, variable, name) for value in data]
    return data
