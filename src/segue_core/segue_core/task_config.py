"""The task contract: one YAML per task in `config/tasks/`, one typed model of it here."""

from typing import Annotated

from pydantic import Field

from segue_core.config_base import StrictModel

Range = tuple[float, float]
Positive = Annotated[float, Field(gt=0)]


class Region(StrictModel):
    """Axis-aligned rectangle on the table in the base frame [m]."""

    x: Range
    y: Range


class ContainerConfig(StrictModel):
    """The open box that objects go into."""

    inner_half_size: tuple[float, float] = Field(description="half of the inner length along x and y [m]")
    wall_height: Positive = Field(description="height of the walls [m]")
    region: Region = Field(description="where its centre may be")
    yaw_rad: Range = Field(default=(0.0, 0.0), description="range of its yaw [rad]")


class Randomisation(StrictModel):
    """What changes with the seed besides the poses."""

    colours: bool = Field(default=True, description="each object gets a colour of the palette")
    table_tint: float = Field(default=0.06, ge=0, le=0.5, description="largest change of the table's colour")
    light: float = Field(default=0.15, ge=0, le=0.9, description="largest relative change of the light")


class TaskConfig(StrictModel):
    """A task, as `config/tasks/<name>.yaml` describes it."""

    name: str = Field(description="the name used as `task:=` argument")
    description: str = Field(description="one sentence for people")
    instruction: str = Field(description="what a language-conditioned policy is told")
    robot: str = Field(description="robot whose contract the task is made for")
    time_limit_s: Positive = Field(description="an episode that is not done by then has failed [s]")
    objects: tuple[str, ...] = Field(description="objects on the table, see segue_sim.objects")
    object_region: Region = Field(description="where objects may start")
    object_yaw_rad: Range = Field(default=(-0.8, 0.8), description="range of an object's yaw [rad]")
    object_gap: Positive = Field(default=0.09, description="least distance between two objects' centres [m]")
    shared_half_width: float = Field(
        default=0.08, ge=0, description="objects with |y| below this may be taken by either arm [m]"
    )
    container: ContainerConfig
    randomisation: Randomisation = Randomisation()
