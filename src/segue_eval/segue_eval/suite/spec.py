"""What a suite file may say. Lengths are in ticks; numbers of the paper are in the units that it prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from segue_core.contracts.base import StrictModel
from segue_core.scheduler_config import ChunkLengths, Ramp
from segue_eval.summary import COLUMNS

METRICS = {column.key: column for column in COLUMNS}
PaperRow = Mapping[str, tuple[float, float] | float]  # metric -> (mean, standard error), or the mean alone


class CellSpec(ChunkLengths):
    """One row of the table: what is run, a policy by name or a checkpoint, in which `{task}` is the task's name."""

    id: str = Field(description="short name that claims and facts refer to")
    label: str = Field(description="as the paper calls it")
    group: str = Field(default="", description="heading of rows that belong together, such as (8, 30, 22)")
    checkpoint: str = Field(default="", description="name of a checkpoint folder")
    made_by: str = Field(
        default="",
        description="command that makes its checkpoint where no training is called so; {task}, {out} and the folder "
        "that this is in, {folder}, are filled in",
    )
    policy: str = Field(
        default="",
        description="policy without a checkpoint, by name, such as scripted or a method of your own",
    )
    continuation: str = Field(default="", description="continuation, by name; empty: the policy's own")
    options: Mapping[str, Any] = Field(default_factory=dict, description="options of the continuation")
    policy_options: Mapping[str, Any] = Field(
        default_factory=dict, description="how the policy answers; each method names its own"
    )
    progress: str = Field(
        default="",
        description="progress estimator that looks on: name of a checkpoint folder, in which {task} is the task's name",
    )
    randomisation: Mapping[str, Any] = Field(
        default_factory=dict, description="what changes with the seed; else as the task has it"
    )
    tries: int = Field(
        default=1,
        ge=1,
        le=100,
        description="attempts at each seed with other noise of the policy, of which one has to succeed (Pass@N)",
    )
    ramp: Ramp = 22
    latency: str = Field(
        default="planned",
        description="ticks an answer takes: planned, TICKS, LOW:HIGH, or measured (what computing it took)",
    )
    scheduler: Mapping[str, Any] = Field(
        default_factory=dict, description="other fields of SchedulerConfig, such as termination"
    )

    @model_validator(mode="after")
    def _is_one_policy(self) -> CellSpec:
        if bool(self.checkpoint) == bool(self.policy):
            raise ValueError(f"cell {self.id}: give either checkpoint or policy")
        return self


class ClaimSpec(StrictModel):
    """A sentence of the paper as a comparison of two cells on the same seeds; `judge.py` has the rules."""

    id: str = Field(description="stable name in the JSON")
    text: str = Field(description="the claim in words")
    metric: str = Field(description="column that is compared")
    first: str = Field(description="cell that the claim is about")
    second: str = Field(description="cell that it is compared with")
    expect: Literal["lower", "higher", "not_worse", "factor"] = Field(
        description="what `first` is expected to be"
    )
    factor: float = Field(
        default=1.0, gt=0, description="for `factor`: first is at least so many times second"
    )
    least: float = Field(
        default=0.02,
        ge=0,
        description="for lower and higher: smallest effect that matters, a share of second's mean",
    )
    margin: float = Field(
        default=0.05, ge=0, description="for not_worse: what still counts as equal, a share of second's mean"
    )


class QuickSpec(StrictModel):
    """The small version: fewer tasks, fewer seeds, the same rules."""

    tasks: tuple[str, ...]
    seeds: str


class SuiteSpec(StrictModel):
    """One suite file."""

    title: str
    source: str = Field(description="paper and table")
    about: str = Field(default="", description="what differs from the paper, in a sentence or two")
    tasks: tuple[str, ...] = Field(min_length=1)
    seeds: str = "1000:1050"
    quick: QuickSpec
    robot: str | None = Field(default=None, description="robot, by name; else each task's own")
    columns: tuple[str, ...] = Field(min_length=1, description="metrics of the paper's table, in its order")
    cells: tuple[CellSpec, ...] = Field(min_length=1)
    paper: Mapping[str, Mapping[str, PaperRow]] = Field(
        default_factory=dict,
        description="task -> cell -> metric -> [mean, standard error], as printed, or the mean",
    )
    claims: tuple[ClaimSpec, ...] = ()

    @model_validator(mode="after")
    def _names_are_known(self) -> SuiteSpec:
        cells = [cell.id for cell in self.cells]
        claims = [claim.id for claim in self.claims]
        _require_unique("cell", cells)
        _require_unique("claim", claims)
        rows = [row for by_cell in self.paper.values() for row in by_cell.values()]
        metrics = [*self.columns, *(c.metric for c in self.claims), *(key for row in rows for key in row)]
        _require_known("metric", metrics, METRICS)
        named = [name for claim in self.claims for name in (claim.first, claim.second)]
        _require_known("cell", [*named, *(name for row in self.paper.values() for name in row)], cells)
        return self

    def cell(self, name: str) -> CellSpec:
        """The cell called `name`."""
        return next(cell for cell in self.cells if cell.id == name)

    @property
    def paper_task(self) -> str:
        """The task that the paper has this on, where it is one only; its numbers then stand beside every task."""
        return next(iter(self.paper)) if len(self.paper) == 1 else ""

    def fact(self, task: str, cell: str, metric: str) -> tuple[float, float] | None:
        """What the paper prints for the cell (mean, standard error), if it does; an error of 0 where it prints none."""
        told = self.paper.get(self.paper_task or task, {}).get(cell, {}).get(metric)
        return told if told is None or isinstance(told, tuple) else (told, 0.0)

    @property
    def paper_name(self) -> str:
        """Title of the paper's numbers: `paper`, or `paper (pour)` where they are of that task only."""
        return f"paper ({self.paper_task})" if self.paper_task else "paper"


def _require_unique(kind: str, names: list[str]) -> None:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{kind} {', '.join(sorted(twice))} is there twice")


def _require_known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"unknown {kind} {', '.join(unknown)}; known: {', '.join(sorted(known))}")
