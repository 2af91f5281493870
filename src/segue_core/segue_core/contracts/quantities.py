"""Numbers of configuration with bounds: far outside of what a robot is, far inside of what can be computed with.

A value beyond them is a typing error or an attack; a file with it is refused, naming key, value and bound.
"""

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
Timeout = Annotated[float, Field(gt=0, ge=1e-3, le=60)]  # [s] of a watchdog
Speed = Annotated[float, Field(gt=0, ge=1e-6, le=100)]  # [rad/s]
Acceleration = Annotated[float, Field(gt=0, ge=1e-6, le=1e4)]  # [rad/s^2]
Jerk = Annotated[float, Field(gt=0, ge=1e-6, le=1e7)]  # [rad/s^3]
Torque = Annotated[float, Field(gt=0, ge=1e-6, le=1e4)]  # [N m]

Vector3 = tuple[Coordinate, Coordinate, Coordinate]


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
