"""The task contract: one YAML per task in `config/tasks/`, one typed model of it here.

A task says what is on the table (objects and fixtures), where the seed may put it, who can demonstrate it (`expert`)
and who judges it (`score`). Kinds, experts and scores are found by name in `segue_sim`. The expert `waypoints` follows
the task's `script`, the score `conditions` the conditions of its `goal`, so that most tasks need no code.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from segue_core.contracts.base import StrictModel, parse_model
from segue_core.contracts.quantities import Angle, Coordinate, FileWord, NotNegative, Positive, Range, Seconds
from segue_core.contracts.script import Steps
from segue_core.contracts.shape import ThingConfig
from segue_core.errors import ConfigError, ErrorCode


class Region(StrictModel):
    """Axis-aligned rectangle on the table in the base frame [m]."""

    x: Range
    y: Range


class FixtureConfig(StrictModel):
    """Something on the table that is more than one loose object: a box, a cabinet, a towel."""

    kind: str = Field(description="what it is, see segue_sim.parts")
    region: Region = Field(default=Region(x=(0.0, 0.0), y=(0.0, 0.0)), description="where its centre may be")
    yaw_rad: Range = Field(default=(0.0, 0.0), description="range of its yaw [rad]")
    height_m: Range = Field(default=(0.0, 0.0), description="range of its height over the table [m]")
    joints: dict[str, Range] = Field(
        default={}, description="joints that do not start at 0, and where they may start [m] or [rad]"
    )
    options: dict[str, Any] = Field(default={}, description="sizes and counts, as its kind defines them")


class BasePose(StrictModel):
    """Where a mobile robot has driven to: its base in the room, the frame of the task's regions."""

    x: Range = Field(description="[m]")
    y: Range = Field(description="[m]")
    yaw_rad: Range = Field(default=(0.0, 0.0), description="[rad]")


class Randomisation(StrictModel):
    """What changes with the seed: how far the poses, and what besides them."""

    spread: float = Field(
        default=1.0,
        ge=0,
        le=2,
        description="how far things may be from the middle of their regions, as a share of these; 0 is the middle, "
        "and more than 1 lies outside",
    )
    beyond: float = Field(
        default=0.0,
        ge=0,
        lt=2,
        description="nothing is nearer to the middle of its region than this share, in x or in y; less than spread",
    )
    colours: bool = Field(default=True, description="each object gets a colour of the palette")
    table_tint: float = Field(default=0.06, ge=0, le=0.5, description="largest change of the table's colour")
    light: float = Field(default=0.15, ge=0, le=0.9, description="largest relative change of the light")
    mirror: bool = Field(default=False, description="every second table, by chance, is left-right reversed")
    light_m: float = Field(
        default=0.0, ge=0, le=2, description="how far each light may be from its place [m]"
    )
    textures: bool = Field(default=False, description="the ground gets one of a set of procedural textures")
    distractors: int = Field(
        default=0, ge=0, le=6, description="loose things that nobody asked for, away from what the task needs"
    )
    distractor_region: Region = Field(
        default=Region(x=(0.25, 0.75), y=(-0.45, 0.45)), description="where distractors may stand"
    )
    camera_m: float = Field(
        default=0.0, ge=0, le=0.1, description="how far each camera may be from its place [m]"
    )
    camera_rad: float = Field(
        default=0.0, ge=0, le=0.3, description="how far each camera may be turned [rad]"
    )

    @model_validator(mode="after")
    def _leaves_room(self) -> "Randomisation":
        if 0 < self.beyond >= self.spread:
            text = "beyond is {beyond}, allowed: 0, or less than spread ({spread})"
            raise PydanticCustomError("beyond", text, {"beyond": self.beyond, "spread": self.spread})
        return self


class TaskConfig(StrictModel):
    """A task, as `config/tasks/<name>.yaml` describes it."""

    name: FileWord = Field(description="the name used as `task:=` argument")
    description: str = Field(description="one sentence for people")
    instruction: str = Field(description="what a language-conditioned policy is told")
    robot: str = Field(description="robot whose contract the task is made for")
    start_pose: str = Field(
        default="home",
        description="pose of the robot's contract in which an episode begins (segue move start)",
    )
    time_limit_s: Seconds = Field(description="an episode that is not done by then has failed [s]")
    expert: str = Field(description="who demonstrates it, see segue_sim.experts")
    score: str = Field(description="who judges success and score, see segue_sim.scores")
    goal: dict[str, Any] = Field(default={}, description="numbers of the goal, as the score defines them")
    script: Steps = Field(default=(), description="what the expert `waypoints` does, see script_config")
    things: dict[str, ThingConfig] = Field(
        default={}, description="kinds of objects that the task brings along"
    )
    objects: tuple[str, ...] = Field(
        default=(),
        description="loose objects: a kind of `things` or segue_sim.objects, or kind_1, kind_2, ...",
    )
    object_region: Region = Field(
        default=Region(x=(0.0, 0.0), y=(0.0, 0.0)), description="where objects may start"
    )
    object_regions: dict[str, Region | tuple[Region, ...]] = Field(
        default={},
        description="objects that have a region of their own, or several, one of which the seed chooses",
    )
    object_yaw_rad: Range = Field(default=(-0.8, 0.8), description="range of an object's yaw [rad]")
    object_gap: Positive = Field(default=0.09, description="least distance between two objects' centres [m]")
    shared_half_width: NotNegative = Field(
        default=0.08, description="objects with |y| below this may be taken by either arm [m]"
    )
    object_height_m: Coordinate = Field(
        default=0.0, description="height over the table or floor of what objects start on [m]"
    )
    base: BasePose | None = Field(
        default=None, description="where the base stands in the frame of the regions; left out, at its origin"
    )
    held: dict[str, Angle] = Field(
        default={},
        description="held joints of the robot that are elsewhere in this task, such as a head [rad]",
    )
    fixtures: dict[str, FixtureConfig] = Field(
        default={}, description="fixtures by name, in order of placing"
    )
    randomisation: Randomisation = Randomisation()

    def randomised(self, changes: Mapping[str, Any]) -> "TaskConfig":
        """The same task with `changes` in its randomisation; ConfigError for a name or a value that it has not."""
        given = self.randomisation.model_dump() | dict(changes)
        changed = parse_model(given, Randomisation, f"randomisation of task {self.name!r}")
        return self.model_copy(update={"randomisation": changed})


def check_robot(task: TaskConfig, robot: str) -> None:
    """Refuse a task that is made for another robot than `robot`, with a ConfigError that names both."""
    if task.robot != robot:
        text = f"task '{task.name}' is made for another robot"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=robot, expected=task.robot)
