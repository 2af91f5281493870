"""What a planned move must not touch, as plain shapes in the base frame."""

from dataclasses import dataclass
from math import cos, hypot, isfinite, sin

from segue_core.contracts.planning import ObstacleConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode, clipped
from segue_core.text_enum import TextEnum

Vector3 = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]


class Shape(TextEnum):
    """Shapes that every planner and every viewer knows."""

    BOX = "box"
    SPHERE = "sphere"
    CYLINDER = "cylinder"


_UNIT = 0.01  # how far from 1 the length of a unit quaternion may be
_SIZES = {Shape.BOX: 3, Shape.SPHERE: 1, Shape.CYLINDER: 2}


@dataclass(frozen=True)
class Obstacle:
    """One shape: box (length, width, height), sphere (diameter) or cylinder (diameter, height) [m].

    `quaternion` is unit, w first. Raises ConfigError when it is not, when a number is not finite, or when the size
    does not fit the shape.
    """

    name: str
    shape: Shape
    size: tuple[float, ...]
    position: Vector3
    quaternion: Quaternion = (1.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        numbers = (*self.size, *self.position, *self.quaternion)
        if not all(map(isfinite, numbers)) or abs(hypot(*self.quaternion) - 1.0) > _UNIT:
            text, expected = f"obstacle {clipped(self.name)!r}", "finite numbers and a unit quaternion"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=list(numbers), expected=expected)
        if len(self.size) != _SIZES[self.shape] or min(self.size) <= 0:
            expected = f"{_SIZES[self.shape]} positive numbers for a {self.shape}"
            text = f"size of obstacle {clipped(self.name)!r}"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=list(self.size), expected=expected)


@dataclass(frozen=True)
class Scene:
    """Everything around the robot that a move must not touch."""

    obstacles: tuple[Obstacle, ...] = ()

    def __add__(self, other: "Scene") -> "Scene":
        """Both; of two obstacles of one name that of `other` counts."""
        names = {obstacle.name for obstacle in other.obstacles}
        kept = tuple(obstacle for obstacle in self.obstacles if obstacle.name not in names)
        return Scene(kept + other.obstacles)


def contract_scene(robot: RobotConfig) -> Scene:
    """The obstacles that the robot's contract names."""
    configs = robot.planning.obstacles if robot.planning else {}
    return Scene(tuple(_obstacle(name, config) for name, config in configs.items()))


def _obstacle(name: str, config: ObstacleConfig) -> Obstacle:
    half = 0.5 * config.yaw_rad
    turn = (cos(half), 0.0, 0.0, sin(half))
    return Obstacle(name, Shape(config.shape), config.size, config.position, turn)
