"""What `segue learn` takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator
from typing_extensions import Self

from segue_core.command_line.setting import Word
from segue_core.contracts.base import StrictModel


def _names(text: Any) -> Any:
    return tuple(filter(None, text.split(","))) if isinstance(text, str) else text


class LearnOptions(StrictModel):
    """Teach a robot a task: record demonstrations of the scripted expert, train on them, evaluate, write a card.

    The time is divided: nearly half of it for recording, then what converting and preparing the pictures take, one
    tenth is kept for the evaluation, the rest trains. The same command goes on where it was interrupted; what is
    finished is not done again.
    """

    GROUP: ClassVar[str] = "This lesson"
    EXAMPLES: ClassVar[str] = """\
examples:
  segue learn task:=drawer                              an hour, into learned/dual_arm_drawer
  segue learn task:=drawer minutes:=20                  a try
  segue learn task:=pick_place,drawer,pour,bowls,towel  one after the other, and a table of all at the end
  segue learn robot:=franka task:=push_button policy:=act_small
  segue run task:=drawer checkpoint:=learned/dual_arm_drawer/policy
what it does are commands that you can give yourself; each is printed before it runs.
"""
    task: Annotated[tuple[str, ...], BeforeValidator(_names), Word(names="tasks", free=True)] = Field(
        min_length=1, description="task to learn, by name; several with commas, one after the other"
    )
    robot: Annotated[str | None, Word(names="robots")] = Field(
        default=None, description="robot, by name; else each task's own"
    )
    minutes: float = Field(
        default=60.0, gt=0, le=10080, description="time of each task, all stages together [min]"
    )
    clock: Literal["wall", "processor"] = Field(
        default="wall",
        description="what `minutes` count; processor: time of `workers` cores, on a machine that others use too",
    )
    episodes: int = Field(
        default=500, ge=2, le=100_000, description="most demonstrations; fewer if time is short"
    )
    policy: Annotated[str, Word(names="training", free=True)] = Field(
        default="legato_trunk", description="what to train: a file of config/training, or a method"
    )
    seeds: Annotated[str, Word(judge="segue_core.command_line.judges:seeds")] = Field(
        default="20000:20016", description="FIRST:END of the evaluation; never those of recording"
    )
    seed: int = Field(default=0, ge=0, description="of the training")
    workers: int = Field(
        default=2,
        ge=1,
        le=1024,
        description="processes that record and evaluate, and threads of the training (with clock:=processor one)",
    )
    out: Path = Field(
        default=Path("learned"), description="folder of the results, one below it for each task"
    )

    @model_validator(mode="after")
    def _seeds_are_apart(self) -> Self:
        from segue_eval.seeds import parse_seeds

        overlap = [seed for seed in parse_seeds(self.seeds) if seed < self.episodes * 2]
        if overlap:
            raise ValueError(
                f"seeds: {overlap[0]} is one that recording may use, take those from {self.episodes * 2} on"
            )
        return self
