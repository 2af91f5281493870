"""`python -m segue_eval.synthetic.questions`: a paper's comparisons on the plane of `carrying.py`, in minutes.

questions.yaml   a training set, as a file of `config/training`; cells and claims, as a file of `config/suites`
for every training seed: demonstrations -> the set -> each cell on the same places, inside and outside
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

from pydantic import Field

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
from segue_eval.suite.judge import rule_for
from segue_eval.suite.spec import CellSpec, ClaimSpec
from segue_eval.synthetic.carrying import CARRYING, CarryingPlant, Place, demonstrations
from segue_policies.policy_loading import load_policy
from segue_policies.training.command.policy_set import stages
from segue_policies.training.command.train import train
from segue_scheduler.scheduler import ChunkScheduler

PLACES: tuple[Place, ...] = ("inside", "outside")
DELAY, STRIDE, TIME_LIMIT_S, TASK = 1, 4, 9.0, "carrying"
FILE = Path(__file__).with_name("questions.yaml")


class Questions(StrictModel):
    """What `questions.yaml` says."""

    demonstrations: int = Field(ge=2, description="episodes to learn from")
    set: Mapping[str, Any] = Field(description="as a file of config/training that trains several policies")
    cells: tuple[CellSpec, ...] = Field(description="as of a suite; lengths are this module's")
    claims: tuple[ClaimSpec, ...] = Field(description="as of a suite")


class QuestionOptions(StrictModel):
    """Train a set of policies on the plane and judge what a paper claims of them."""

    steps: int = Field(default=1500, ge=1, le=10**6, description="optimiser steps of each policy")
    episodes: int = Field(default=50, ge=1, le=10**5, description="of each cell, inside and outside")
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
    """Share of successes of a cell after the training of one seed."""

    cell: str
    place: Place
    training_seed: int
    success: float


def read_questions(only: Sequence[str] = ()) -> Questions:
    """The file, with some of its cells and the claims about them; raises ConfigError for a cell that it has not."""
    asked = load_config(FILE, Questions, "questions")
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
        _train(asked, given.steps, seed, out / str(seed))
        for cell in asked.cells:
            folder = out / str(seed) / cell.checkpoint.replace("{task}", TASK)
            for place in PLACES:
                success = _success(cell, folder, place, given.episodes)
                found.append(Answer(cell.id, place, seed, success))
                print(f"training seed {seed}, {cell.id}, {place}: {100 * success:.0f} %", flush=True)
    return found


def _train(asked: Questions, steps: int, seed: int, out: Path) -> None:
    data = demonstrations(asked.demonstrations, seed)
    needed = {cell.checkpoint.replace("{task}", TASK) for cell in asked.cells}
    settings = merge(dict(asked.set), {"training": {"steps": steps, "seed": seed}})
    for stage in stages(settings, FILE.name, TASK, out):
        if stage.folder.name in needed:
            train(stage.settings, FILE.name, data, stage.folder)


def _success(cell: CellSpec, folder: Path, place: Place, episodes: int) -> float:
    policy, plant = load_policy(folder), CarryingPlant(place)
    config = SchedulerConfig(
        continuation=cell.continuation,
        horizon=policy.info.horizon,
        stride=STRIDE,
        delay=DELAY,
        time_limit_s=TIME_LIMIT_S,
    )
    won = 0
    for seed in range(episodes):
        scheduler = ChunkScheduler(config, CARRYING, policy.info, seed=seed)
        won += run_episode(plant, policy, scheduler, CARRYING, seed).success
    return won / episodes


def verdicts(claims: Iterable[ClaimSpec], found: Sequence[Answer]) -> list[Claim]:
    """Each claim inside and outside, judged by the means of the training seeds."""
    return [_verdict(claim, found, place) for claim in claims for place in PLACES]


def _verdict(claim: ClaimSpec, found: Sequence[Answer], place: Place) -> Claim:
    one, two = (
        {a.training_seed: 100 * a.success for a in found if (a.cell, a.place) == (cell, place)}
        for cell in (claim.first, claim.second)
    )
    difference, second = paired_difference(one, two), estimate(two.values())
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
    lines = [f"{'success [%]':50}{'inside':>14}{'outside':>14}"]
    for cell in asked.cells:
        shares = [
            estimate(a.success for a in found if (a.cell, a.place) == (cell.id, place)).scaled(100)
            for place in PLACES
        ]
        lines.append(f"{cell.label:50}{shares[0].text(1):>14}{shares[1].text(1):>14}")
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
    asked = read_questions(given.only.split(",") if given.only else ())
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
