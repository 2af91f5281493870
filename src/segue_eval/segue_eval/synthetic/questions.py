"""`python -m segue_eval.synthetic.questions PAPER`: a paper's comparisons on the plane of `carrying.py`, in minutes.

papers/PAPER.yaml   stages, as a file of `config/training`; cells and claims, as a file of `config/suites`
for every training seed: demonstrations -> the stages -> each cell on the same places, inside and outside
verdict          by the means of the training seeds, paired: another training is another answer, another episode is not
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from segue_core.command_line.main import program
from segue_core.command_line.setting import Word
from segue_core.contracts.base import StrictModel, merge
from segue_core.errors import unknown_name
from segue_core.files import load_config
from segue_core.scheduler_config import SchedulerConfig
from segue_data.storage.atomic import write_text
from segue_eval.claims import Claim
from segue_eval.rollout import run_episode
from segue_eval.statistics import estimate, paired_difference
from segue_eval.suite.judge import rule_for, values_of
from segue_eval.suite.spec import METRICS, CellSpec, ClaimSpec
from segue_eval.synthetic.carrying import CARRYING, INSTRUCTION, CarryingPlant, Place, demonstrations
from segue_policies.deployment import Deployment
from segue_policies.estimator_loading import make_estimator
from segue_policies.policy_loading import make_policy, method_in
from segue_policies.training.command.stages import staged
from segue_policies.training.command.train import train
from segue_scheduler.scheduler import ChunkScheduler

TIME_LIMIT_S = 9.0
PAPERS = Path(__file__).with_name("papers")


class Questions(StrictModel):
    """What a file of `papers` says."""

    demonstrations: int = Field(ge=2, description="episodes to learn from")
    steps: int = Field(default=1500, ge=1, le=10**6, description="optimiser steps of each policy")
    places: tuple[Place, ...] = Field(default=("inside", "outside"), description="where the dots lie")
    trainings: Mapping[str, Any] = Field(description="as a file of config/training that has stages")
    cells: tuple[CellSpec, ...] = Field(description="as of a suite; a checkpoint is a stage, by name")
    columns: tuple[str, ...] = Field(default=("success", "seconds"), description="metrics, as of a suite")
    claims: tuple[ClaimSpec, ...] = Field(description="as of a suite, of these metrics")

    @model_validator(mode="after")
    def _known(self) -> Questions:
        for name in (*self.columns, *(claim.metric for claim in self.claims)):
            if name not in METRICS:
                raise unknown_name("metric", name, METRICS)
        return self


class QuestionOptions(StrictModel):
    """Train a set of policies on the plane and judge what a paper claims of them."""

    paper: Annotated[str, Word(place=True)] = Field(
        description="whose questions: a file of `papers`, by name"
    )
    steps: int | None = Field(
        default=None, ge=1, le=10**6, description="optimiser steps of each policy; else as the file has it"
    )
    demonstrations: int | None = Field(
        default=None, ge=2, le=10**5, description="episodes to learn from; else as the file has it"
    )
    episodes: int = Field(default=50, ge=1, le=10**5, description="of each cell in each place")
    training_seeds: int = Field(default=3, ge=1, le=100, description="trainings of each policy, from seed 0")
    only: str | None = Field(
        default=None, description="some of the cells, with commas, such as chain,forward; else all"
    )
    out: Path | None = Field(default=None, description="folder for the checkpoints; else they are not kept")
    json_file: Annotated[Path | None, Word(name="json")] = Field(
        default=None, description="file for the numbers"
    )


@dataclass(frozen=True)
class Answer:
    """Means over the episodes of a cell after the training of one seed, as printed, by metric."""

    cell: str
    place: Place
    training_seed: int
    means: Mapping[str, float]


def read_questions(paper: str, only: Sequence[str] = ()) -> Questions:
    """The file, with some of its cells and the claims about them; raises ConfigError for a file or cell that is not."""
    files = {file.stem: file for file in sorted(PAPERS.glob("*.yaml"))}
    if paper not in files:
        raise unknown_name("paper", paper, files)
    asked = load_config(files[paper], Questions, "questions")
    there = [cell.id for cell in asked.cells]
    for name in only:
        if name not in there:
            raise unknown_name("cell", name, there)
    cells = tuple(cell for cell in asked.cells if not only or cell.id in only)
    known = {cell.id for cell in cells}
    claims = tuple(claim for claim in asked.claims if {claim.first, claim.second} <= known)
    return asked.model_copy(update={"cells": cells, "claims": claims})


def answers(asked: Questions, given: QuestionOptions, out: Path) -> list[Answer]:
    """Every cell in both places after every training, whose checkpoints go to `out`."""
    found = []
    for seed in range(given.training_seeds):
        _train(asked, seed, out / str(seed))
        for cell in asked.cells:
            for place in asked.places:
                means = _means(asked, cell, out / str(seed), place, given.episodes)
                found.append(Answer(cell.id, place, seed, means))
                told = ", ".join(f"{METRICS[name].title} {mean:.1f}" for name, mean in means.items())
                print(f"training seed {seed}, {cell.id}, {place}: {told}", flush=True)
    return found


def _train(asked: Questions, seed: int, out: Path) -> None:
    """Those stages that a cell is of, and those that these begin with."""
    settings = merge(dict(asked.trainings), {"training": {"steps": asked.steps, "seed": seed}})
    every = staged(settings, "trainings", out)
    needed = {out / name for cell in asked.cells for name in (cell.checkpoint, cell.progress) if name}
    for stage in reversed(every):
        if stage.folder in needed:
            training = stage.settings["training"]
            needed |= {Path(begun) for begun in (*training["parts"].values(), training.get("init", ""))}
    data = demonstrations(asked.demonstrations, seed)
    for stage in every:
        if stage.folder in needed:
            train(stage.settings, "trainings", data, stage.folder)


def _means(asked: Questions, cell: CellSpec, out: Path, place: Place, episodes: int) -> dict[str, float]:
    """Of a cell whose checkpoints are in `out`."""
    folder = out / cell.checkpoint
    method = method_in(folder)
    policy = make_policy(method, Deployment(folder, method.name, options=cell.policy_options))
    estimator = make_estimator(out / cell.progress) if cell.progress else None
    config = SchedulerConfig(
        continuation=cell.continuation,
        horizon=policy.info.horizon,
        stride=cell.stride,
        delay=cell.delay,
        time_limit_s=TIME_LIMIT_S,
    )
    plant, results = CarryingPlant(place), []
    for seed in range(episodes):
        scheduler = ChunkScheduler(config, CARRYING, policy.info, seed=seed)
        results.append(
            run_episode(
                plant, policy, scheduler, CARRYING, seed, instruction=INSTRUCTION, estimator=estimator
            )
        )
    return {name: estimate(values_of(METRICS[name], results).values()).mean for name in asked.columns}


def verdicts(claims: Iterable[ClaimSpec], found: Sequence[Answer]) -> list[Claim]:
    """Each claim in each place, judged by the means of the training seeds."""
    places = dict.fromkeys(answer.place for answer in found)
    return [_verdict(claim, found, place) for claim in claims for place in places]


def _verdict(claim: ClaimSpec, found: Sequence[Answer], place: Place) -> Claim:
    one, two = (
        {a.training_seed: a.means[claim.metric] for a in found if (a.cell, a.place) == (cell, place)}
        for cell in (claim.first, claim.second)
    )
    factor = claim.factor if claim.expect == "factor" else 1.0
    difference, second = paired_difference(one, two, factor), estimate(two.values())
    statistics = {
        "first_mean": estimate(one.values()).mean,
        "second_mean": second.mean,
        "difference": difference.estimate.mean,
        "interval_low": difference.low,
        "interval_high": difference.high,
        "n": float(difference.estimate.count),
    }
    verdict = rule_for(claim, abs(second.mean)).verdict(difference.low, difference.high)
    return Claim(f"{claim.id}/{place}", verdict, statistics, claim.text)


def table(asked: Questions, found: Sequence[Answer], judged: Iterable[Claim]) -> str:
    """Plain text: a line per cell, then a line per verdict."""
    heads = [f"{METRICS[name].title}, {place}" for name in asked.columns for place in asked.places]
    lines = [" " * 50 + "".join(f"{head:>18}" for head in heads)]
    for cell in asked.cells:
        means = [
            estimate(a.means[name] for a in found if (a.cell, a.place) == (cell.id, place))
            for name in asked.columns
            for place in asked.places
        ]
        lines.append(f"{cell.label:50}" + "".join(f"{mean.text(1):>18}" for mean in means))
    for claim in judged:
        numbers = claim.statistics
        interval = "".join(
            f" [{numbers['interval_low']:.1f}, {numbers['interval_high']:.1f}]"
            for _ in range(math.isfinite(numbers["interval_low"]))
        )
        place = claim.id.partition("/")[2]
        lines.append(f"{claim.text}, {place}: {claim.verdict.words} ({numbers['difference']:+.1f}{interval})")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print, and write JSON when asked to; exit status 0."""
    return program(arguments, QuestionOptions, run, "segue_eval.synthetic.questions")


def run(given: QuestionOptions) -> int:
    """Do it; exit status 0."""
    asked = read_questions(given.paper, given.only.split(",") if given.only else ())
    said = {
        name: value for name in ("steps", "demonstrations") if (value := getattr(given, name)) is not None
    }
    asked = asked.model_copy(update=said)
    with tempfile.TemporaryDirectory() as temporary:
        found = answers(asked, given, given.out or Path(temporary))
    judged = verdicts(asked.claims, found)
    print(table(asked, found, judged))
    if given.json_file:
        data = {
            "answers": [vars(answer) for answer in found],
            "claims": [claim.to_dict() for claim in judged],
        }
        write_text(given.json_file, json.dumps(data, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
