"""One task: record, convert, prepare, train, evaluate; each a command of `segue`, which goes on where it stopped."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from segue_bringup.delegates import train_form
from segue_bringup.learn.budget import next_batch, training_minutes
from segue_bringup.learn.card import write_card
from segue_bringup.learn.journal import Journal
from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Share
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import DataError, ErrorCode, PolicyError
from segue_core.exit_status import ExitStatus
from segue_core.files import read_written
from segue_policies.training.state_numbers import read_numbers

ENCODER_OF = "network.encoder_of"
Clock = Literal["wall", "processor"]
Perform = Callable[[Sequence[str]], int]
"""Does what the words of a command say; its exit status."""


class Interrupted(KeyboardInterrupt):
    """A stage saved its work and ended because somebody asked it to."""


@dataclass(frozen=True)
class Lesson:
    """What one task's lesson needs.

    Args:
        folder: of its results.
        clock: what `minutes` count, wall time, or processor time of `workers` cores.
        policy, seeds, seed, workers, episodes, minutes: as in `LearnOptions`.
    """

    robot: RobotConfig
    task: str
    folder: Path
    policy: str
    minutes: float
    episodes: int
    seeds: str
    seed: int
    workers: int
    clock: Clock = "wall"

    def options(self) -> dict[str, Any]:
        """What decides the result."""
        names = ("task", "policy", "minutes", "clock", "episodes", "seeds", "seed")
        return {"robot": self.robot.name} | {name: getattr(self, name) for name in names}

    @property
    def whole_s(self) -> float:
        """Its time."""
        return 60.0 * self.minutes

    @property
    def threads(self) -> int:
        """Of the training: several finish sooner, one gets most out of the time of a processor."""
        return self.workers if self.clock == "wall" else 1

    def used_s(self, journal: Journal, stage: str | None = None) -> float:
        """What of that a stage has used so far, or all of them."""
        by_stage = journal.seconds if self.clock == "wall" else journal.processor_s
        used = sum(by_stage.values()) if stage is None else by_stage.get(stage, 0.0)
        return used if self.clock == "wall" else used / self.workers


def teach(lesson: Lesson, perform: Perform) -> dict[str, Any]:
    """Run what is not done yet; the figures.

    Raises:
        SegueError: what a stage raises; what is done is kept. Interrupted: a stage was.
    """
    journal = Journal.opened(lesson.folder, lesson.options())
    journal.write()
    _record(lesson, journal, perform)
    _convert(lesson, journal, perform)
    _prepare(lesson, journal, perform)
    _train(lesson, journal, perform)
    _evaluate(lesson, journal, perform)
    write_card(lesson.folder, journal)
    return journal.figures


def _record(lesson: Lesson, journal: Journal, perform: Perform) -> None:
    bags = lesson.folder / "bags"
    while not (lesson.folder / "dataset").exists():
        there, tried = _recorded(bags), int(journal.figures.get("tried", 0))
        more = next_batch(there, lesson.episodes, lesson.used_s(journal, "record"), lesson.whole_s)
        if more == 0 or tried + more > 2 * lesson.episodes:
            break
        seeds = f"{tried}:{tried + more}"
        words = [
            "data",
            "record",
            f"--task={lesson.task}",
            f"--robot={lesson.robot.name}",
            f"--seeds={seeds}",
        ]
        with journal.stage("record"):
            _done(
                perform,
                [*words, "--disturb", f"--workers={lesson.workers}", f"--out={bags}"],
                failed_is_fine=True,
            )
        journal.figures |= {"tried": tried + more, "recorded": _recorded(bags)}
        journal.write()
        if _recorded(bags) == 0:
            text = f"{bags}: the expert of {lesson.task} failed at all of {tried + more} seeds"
            raise DataError(ErrorCode.DATA_CONVERSION, text, do="look at it: segue run policy:=scripted")
    there = _recorded(bags)  # of a lesson that was killed before it could say so
    journal.figures = {"tried": there, "recorded": there} | journal.figures


def _recorded(bags: Path) -> int:
    return len(list(bags.glob("episode_*"))) if bags.is_dir() else 0


def _convert(lesson: Lesson, journal: Journal, perform: Perform) -> None:
    if (lesson.folder / "dataset").exists():
        return
    words = ["data", "convert", str(lesson.folder / "bags"), str(lesson.folder / "dataset")]
    with journal.stage("convert"):
        _done(perform, [*words, f"--workers={lesson.workers}"])


def _prepare(lesson: Lesson, journal: Journal, perform: Perform) -> None:
    """Decoded pictures and feature maps: they take time that training does not have."""
    if "prepared" in journal.figures:
        return
    with journal.stage("prepare"):
        _done(perform, [*_training(lesson), "--prepare"])
    journal.figures["prepared"] = True
    journal.write()


def _training(lesson: Lesson) -> list[str]:
    words = ["train", lesson.policy, f"task={lesson.task}", f"data={lesson.folder / 'dataset'}"]
    words += [f"seed={lesson.seed}", f"threads={lesson.threads}"]
    return words + _encoders(lesson)


def _train(lesson: Lesson, journal: Journal, perform: Perform) -> None:
    if "trained" in journal.figures:
        return
    left = training_minutes(lesson.used_s(journal), lesson.whole_s)
    minutes = journal.figures.setdefault("minutes", round(left * lesson.workers / lesson.threads, 2))
    out = lesson.folder / "policy"
    words = [*_training(lesson), f"out={out}", f"minutes={minutes}", f"clock={lesson.clock}"]
    words += ["--resume"] if (out / "training" / "state.json").is_file() else []
    with journal.stage("train"):
        _done(perform, words)
    journal.figures["trained"] = read_numbers(out / "training").step
    journal.write()


def _encoders(lesson: Lesson) -> list[str]:
    """For methods that share encoders among cameras: the wrists' is one, every other camera has its own."""
    form = train_form([lesson.policy, f"task={lesson.task}"])
    if not any(setting.name == ENCODER_OF for setting in form.settings):
        return []
    of = {camera: "wrist" if "wrist" in camera else camera for camera in lesson.robot.cameras}
    return [f"{ENCODER_OF}={json.dumps(of)}"]


def _evaluate(lesson: Lesson, journal: Journal, perform: Perform) -> None:
    out = lesson.folder / "evaluation"
    words = ["eval", f"--task={lesson.task}", f"--robot={lesson.robot.name}", f"--seeds={lesson.seeds}"]
    words += [f"--checkpoint={lesson.folder / 'policy'}", f"--out={out}", f"--workers={lesson.workers}"]
    with journal.stage("evaluate"):
        _done(perform, words)
    found = read_outcome(out / "summary.json")
    won = [row.success for row in found.rows]
    journal.figures |= {
        "episodes": len(won),
        "success": sum(won) / len(won),
        "success_interval": found.summary.success_interval,
    }
    journal.write()


class _Row(StrictModel, extra="ignore"):
    success: bool


class _Summary(StrictModel, extra="ignore"):
    success_interval: tuple[Share, Share]


class Outcome(StrictModel, extra="ignore"):
    """What a lesson wants to know of `summary.json` of `segue eval`."""

    summary: _Summary
    rows: tuple[_Row, ...] = Field(min_length=1)


def read_outcome(file: Path) -> Outcome:
    """Raises DataError for what `segue eval` does not write, naming the key."""
    do = "delete it, and the policy is tried again"
    return read_written(file, Outcome, partial(DataError, ErrorCode.DATA_DATASET_INVALID, do=do))


def _done(perform: Perform, words: Sequence[str], failed_is_fine: bool = False) -> None:
    print(f"\n$ segue {shlex.join(words)}", flush=True)
    status = perform(words)
    if status == ExitStatus.INTERRUPTED:
        raise Interrupted
    if status != ExitStatus.SUCCESS and not failed_is_fine:
        raise PolicyError(ErrorCode.TRAINING_FAILED, f"segue {words[0]} ended with status {status}")
