"""The planning section of a robot contract: named poses, what stands around the robot, how fast it moves by itself.

Nothing here changes what a recording or a checkpoint means, so the contract's fingerprint leaves it out.
"""

from typing import Literal

from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Angle, FileWord, Positive, PositiveShare, Vector3


class ObstacleConfig(StrictModel):
    """Something that does not move and must not be touched."""

    shape: Literal["box", "sphere", "cylinder"] = Field(description="its shape")
    size: tuple[Positive, ...] = Field(
        description="box: length, width, height; sphere: diameter; cylinder: diameter, height [m]"
    )
    position: Vector3 = Field(description="its centre in the base frame [m]")
    yaw_rad: Angle = Field(default=0.0, description="turn about z [rad]")


class PlanningConfig(StrictModel):
    """How planned moves are made."""

    poses: dict[FileWord, tuple[Angle, ...]] = Field(
        default={},
        description="named joint poses [rad], all arms one after the other; `home` is always there",
    )
    obstacles: dict[FileWord, ObstacleConfig] = Field(
        default={}, description="what stands around the robot, by name"
    )
    clearance_m: float = Field(
        default=0.02, gt=0, le=0.2, description="a planned move keeps half of it everywhere"
    )
    lift_m: float = Field(
        default=0.12, gt=0, le=1.0, description="how far tools are raised when the straight way is blocked"
    )
    velocity_share: PositiveShare = Field(
        default=0.4, description="part of the joints' speed limits that is used"
    )
    acceleration_share: PositiveShare = Field(
        default=0.3, description="part of the acceleration limits that is used"
    )
    jerk_share: PositiveShare = Field(default=0.1, description="part of the jerk limits that is used")
    search_s: float = Field(default=5.0, gt=0, le=60, description="time for finding a way around [s]")
    moveit_group: str | None = Field(
        default=None,
        description="MoveIt's planning group of all arms, for planner:=moveit: the arm's name; a new one for several",
    )
