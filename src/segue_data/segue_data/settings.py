"""What `segue data ...` takes, as typed models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from segue_core.command_line.judges import SEEDS, parse_seeds
from segue_core.command_line.setting import Word
from segue_core.contracts.base import StrictModel
from segue_core.contracts.plain import Options
from segue_core.errors import ConfigError

Outcome = Literal["success", "failure", "aborted", "unknown"]


def _seeds(text: Any) -> Any:
    """`0:50` (half open), `3,7,9`, or one number."""
    if not isinstance(text, str):
        return text
    try:
        return parse_seeds(text)
    except ConfigError as error:
        raise PydanticCustomError("word", "expected {expected}", {"expected": SEEDS}) from error


def _size(text: Any) -> Any:
    """`96x72`: width and height."""
    if not isinstance(text, str):
        return text
    try:
        width, height = (int(part) for part in text.split("x"))
    except ValueError:
        width = height = 0
    if min(width, height) < 1:
        raise PydanticCustomError("word", "expected WIDTHxHEIGHT, such as 96x72")
    return width, height


def _mapping(text: Any) -> Any:
    """`{"bins": 512}`: settings of a label."""
    try:
        settings = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise PydanticCustomError("word", "expected a mapping in JSON, such as '{\"bins\": 512}'")
    return settings


Seeds = Annotated[
    tuple[int, ...], BeforeValidator(_seeds), Word(judge="segue_core.command_line.judges:seeds")
]
Size = Annotated[tuple[int, int] | None, BeforeValidator(_size)]
Settings = Annotated[dict[str, Any], BeforeValidator(_mapping)]


class Workers(StrictModel):
    """How many at once."""

    workers: int = Field(default=2, ge=1, le=1024, description="processes")


class Looked(StrictModel):
    """What is looked at."""

    path: Annotated[Path, Word(place=True)] = Field(description="a bag, a folder of bags, or a dataset")


class OfDataset(StrictModel):
    """What is worked on."""

    dataset: Annotated[Path, Word(place=True, also=("data",))] = Field(description="a dataset")


class RecordOptions(Workers):
    """Record scripted demonstrations in simulation, one bag per seed.

    Of a task of a world that others wrote, FAMILY/NAME, they are a dataset at once (docs/benchmarks.md).
    """

    task: Annotated[str, Word(names="tasks")] = Field(default="pick_place", description="task, by name")
    robot: Annotated[str | None, Word(names="robots")] = Field(
        default=None, description="robot, by name; else the task's"
    )
    seeds: Seeds = Field(default="0:50", validate_default=True, description=SEEDS)
    out: Path = Field(description="folder for the bags; call again to go on")
    size: Size = Field(
        default=None,
        description="of a world that others wrote, WIDTHxHEIGHT of the dataset's pictures; else 96x72",
    )
    disturb: bool = Field(default=False, description="disturb what is executed, never the label")
    randomisation: Options = Field(
        default={},
        description="what changes with the seed, as YAML, such as {spread: 0.5, light: 0.6}; else as the task has it "
        "(docs/tasks.md)",
    )
    images: Literal["jpeg", "png"] = Field(default="jpeg", description="compression of pictures")
    keep_failures: bool = Field(default=False, description="keep failed episodes too")


class ConvertOptions(Workers):
    """Turn bags into a LeRobotDataset v3.0."""

    bags: Annotated[Path, Word(place=True)] = Field(description="a bag, or a folder of bags")
    out: Annotated[Path, Word(place=True)] = Field(description="dataset folder to create")
    robot: Annotated[str | None, Word(names="robots")] = Field(
        default=None, description="robot, by name; else the one of the bags"
    )
    outcomes: tuple[Outcome, ...] = Field(default=("success",), description="episodes to take")
    any_contract: bool = Field(default=False, description="accept bags of another robot contract")
    commanded_by: Literal["all", "human", "policy"] = Field(
        default="all",
        description="only the stretches of a run with takeovers that a person, or the policy, commanded",
    )
    size: Size = Field(
        default=None, description="WIDTHxHEIGHT of the dataset's pictures, and of its policies'; else 96x72"
    )
    videos: bool = Field(default=False, description="pictures as H.264 videos: smaller, not exact")
    doubtful: bool = Field(
        default=False,
        description="take bags that the recorder flagged, too; ticks that are missing, or have no fresh picture or "
        "state, are left out, and what lies between them (10 commands or more) is an episode each",
    )


class CheckOptions(Looked, Workers):
    """Check bags or a dataset; exit status 1 when something is wrong."""

    json_file: Annotated[Path | None, Word(name="json")] = Field(
        default=None, description="file for the findings"
    )
    page: Path | None = Field(default=None, description="file for a page with plots, .html")


class ShowOptions(Looked):
    """Pictures of an episode: contact sheet, Rerun recording, Foxglove layout."""

    episode: int = Field(default=0, ge=0, description="which one of several, from 0")
    sheet: Path | None = Field(default=None, description="contact sheet, .png; else PATH-EPISODE.png")
    columns: int = Field(default=8, ge=1, le=1000, description="pictures per camera")
    rerun: Path | None = Field(default=None, description="recording for the Rerun viewer, .rrd")
    foxglove: Path | None = Field(default=None, description="layout for Foxglove, .json")


class LabelOptions(OfDataset):
    """Compute labels beside a dataset, with version and settings."""

    labels: Annotated[tuple[str, ...], Word(place=True)] = Field(
        description="what to compute: keyframes, progress, tokens, or a label of an installed package"
    )
    settings: Settings = Field(default={}, description="other settings, as JSON: '{\"bins\": 512}'")


class KeyframesOptions(OfDataset):
    """Where demonstrations have keyframes: a picture strip of one, and how far apart they are in all."""

    episode: int = Field(default=0, ge=0, description="which one, from 0")
    sheet: Path | None = Field(
        default=None, description="picture strip, .png; else DATASET-keyframes-EPISODE.png"
    )
    columns: int = Field(
        default=8, ge=1, le=1000, description="pictures per camera beside those of keyframes"
    )
    settings: Settings = Field(default={}, description="of the label, as JSON: '{\"still_m_s\": 0.02}'")


class SplitOptions(OfDataset):
    """Divide a dataset by episode; more episodes move none of the old ones."""

    validation: float = Field(default=0.1, ge=0, le=1, description="share of the episodes")
    test: float = Field(default=0.0, ge=0, le=1, description="share of the episodes")
    seed: int = Field(default=0, ge=0, description="another number is another division")


class AdoptOptions(OfDataset):
    """Say whose robot a dataset is that LeRobot wrote: a LeRobotDataset v3.0, with pictures or videos."""

    robot: Annotated[str, Word(names="robots")] = Field(description="robot, by name")
    size: Size = Field(default=None, description="WIDTHxHEIGHT: shrink pictures when they are read")
    any_names: bool = Field(
        default=False,
        description="state and action have other names, but are the robot's numbers in its order",
    )


class ExportOptions(OfDataset, Workers):
    """Turn a dataset back into bags, one per episode."""

    out: Annotated[Path, Word(place=True)] = Field(description="folder for the bags")
    robot: Annotated[str | None, Word(names="robots")] = Field(
        default=None, description="robot, by name; else the dataset's"
    )


class InfoOptions(Looked):
    """Say what a bag, a folder of bags or a dataset holds."""

    json_file: Annotated[Path | None, Word(name="json")] = Field(
        default=None, description="file for the facts"
    )


class RepairOptions(StrictModel):
    """Close what a killed recorder left open, up to its last whole chunk."""

    path: Annotated[Path, Word(place=True)] = Field(
        description="a torn bag, or the folder of bags that was being recorded into"
    )
