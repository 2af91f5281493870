"""Numbers of configuration with bounds: far outside of what a robot is, far inside of what can be computed with.

A value beyond them is a typing error or an attack; a file with it is refused, naming key, value and bound.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

Positive = Annotated[float, Field(gt=0, ge=1e-9, le=1e6)]
NotNegative = Annotated[float, Field(ge=0, le=1e6)]
Number = Annotated[float, Field(ge=-1e6, le=1e6)]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
Coordinate = Annotated[float, Field(ge=-100, le=100)]  # [m], and what else is small: directions, colours
Angle = Annotated[float, Field(ge=-100, le=100)]  # [rad], as an encoder counts it that turns for ever
Rate = Annotated[float, Field(gt=0, ge=0.1, le=10_000)]  # [Hz]
Seconds = Annotated[float, Field(gt=0, ge=1e-6, le=86_400)]
Timeout = Annotated[
    float, Field(gt=0, ge=1e-3, le=5)
]  # [s] of a watchdog: what an arm does unseen for longer, nobody may know
Patience = Annotated[
    float, Field(gt=0, ge=1e-3, le=600)
]  # [s] with what may be slow, while nothing moves by it
Speed = Annotated[float, Field(ge=1e-3, le=100)]  # [rad/s]
Acceleration = Annotated[float, Field(ge=0.01, le=1e4)]  # [rad/s^2]
Jerk = Annotated[float, Field(ge=0.1, le=1e7)]  # [rad/s^3]
Torque = Annotated[float, Field(ge=0.01, le=1e4)]  # [N m], a servo of a few grams
Stiffness = Annotated[float, Field(ge=0.1, le=1e6)]  # [N m/rad] of a motor that holds an arm up
OnBody = Annotated[float, Field(ge=-2, le=2)]  # [m], a place on a link or a tool

Vector3 = tuple[Coordinate, Coordinate, Coordinate]
PlaceOnBody = tuple[OnBody, OnBody, OnBody]


def _spelt(pattern: str, allowed: str) -> AfterValidator:
    def check(text: str) -> str:
        if len(text) > _LONGEST_NAME or not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(f"allowed: at most {_LONGEST_NAME} {allowed}")
        return text

    return AfterValidator(check)


_LONGEST_NAME = 100
RosWord = Annotated[str, _spelt(r"[A-Za-z_]\w*", "letters, digits and _, the first no digit")]
"""What ROS 2 takes as one word of the name of a topic, a node or a joint."""

RosFrame = Annotated[str, _spelt(r"[\w.-]+(/[\w.-]+)*", "letters, digits and _ . -, with single / between")]
"""A frame as tf2 takes it: it does not begin with a slash."""

FileWord = Annotated[str, _spelt(r"\w[\w.-]*", "letters, digits and _ . -, the first no . or -")]
"""A name that is a file's, too."""


def _ordered(values: tuple[float, float]) -> tuple[float, float]:
    if values[0] > values[1]:
        raise ValueError(f"the first number of a range is the smaller one, got {list(values)}")
    return values


Range = Annotated[tuple[Coordinate, Coordinate], AfterValidator(_ordered)]


def _unit(values: tuple[float, ...]) -> tuple[float, ...]:
    if not any(abs(value) > 1e-6 for value in values):  # what no rounding leaves of a direction
        raise ValueError("a direction is not all zeros")
    return values


Direction = Annotated[Vector3, AfterValidator(_unit)]
Quaternion = Annotated[tuple[Coordinate, Coordinate, Coordinate, Coordinate], AfterValidator(_unit)]


def refuse_reversed(low: tuple[float, ...], high: tuple[float, ...], what: str) -> None:
    """Refuse two corners of a box of which the first is not the lower one in every axis."""
    if any(a > b for a, b in zip(low, high, strict=True)):
        raise ValueError(f"{what}: low {list(low)} is above high {list(high)}")
