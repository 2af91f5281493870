"""Record many scripted demonstrations with a few worker processes; resumable, with progress."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.errors import DataError, ErrorCode
from segue_core.files import read_lines, read_text
from segue_core.task_state import TaskState
from segue_data.bags.manifest import FILE_NAME, RECORDING, load
from segue_data.errors import corrupt
from segue_data.parallel import as_done
from segue_data.recording.lockstep import RecordingOptions, described, record_episode
from segue_data.recording.stage import Demonstration
from segue_data.storage.atomic import write_text
from segue_data.storage.folder_lock import FolderLock

if TYPE_CHECKING:
    from segue_control.controller import RobotController
    from segue_sim.episode import Episode

FAILURES = "failures.jsonl"


@dataclass(frozen=True)
class RecordingReport:
    """What `record_demonstrations` did: seeds recorded now, found finished, and failed."""

    recorded: tuple[int, ...]
    skipped: tuple[int, ...]
    failed: tuple[int, ...]


def episode_folder(out: Path, seed: int) -> Path:
    """Where the demonstration of `seed` lives."""
    return out / f"episode_{seed:06d}"


@cache
def _world_and_controller(robot_json: str, task_json: str) -> tuple[Episode, RobotController]:
    """Compile once per worker process; the configurations travel as text so that they can be cache keys."""
    from segue_control.controller import RobotController
    from segue_sim.episode import Episode

    robot, task = RobotConfig.model_validate_json(robot_json), TaskConfig.model_validate_json(task_json)
    return Episode(robot, task, 0, render=True), RobotController(robot)


def make_stage(robot: RobotConfig, task: TaskConfig, seed: int) -> Demonstration:
    """Episode, expert and controller for one episode; what can be reused in this process is."""
    from segue_sim import experts

    world, controller = _world_and_controller(robot.model_dump_json(), task.model_dump_json())
    world.reset(seed)
    return Demonstration(robot, task, world, experts.create(world, seed), controller)


def _record(
    seed: int,
    *,
    robot: RobotConfig,
    task: TaskConfig,
    out: Path,
    options: RecordingOptions,
    keep_failures: bool,
) -> TaskState:
    shutil.rmtree(out / RECORDING / episode_folder(out, seed).name, ignore_errors=True)  # left by a crash
    stage = make_stage(robot, task, seed)
    return record_episode(stage, seed, episode_folder(out, seed), options, keep_failures=keep_failures)


def failed_before(out: Path) -> set[int]:
    """Seeds that failed earlier; raises DataError for a list that no recording wrote, naming the line."""
    path = out / FAILURES
    if not path.is_file():
        return set()
    do = "delete it, and its seeds are tried again"
    try:
        lines = read_lines(path)
    except (OSError, ValueError) as error:
        raise corrupt(path, "text", str(error).removeprefix(f"{path}: "), do) from error
    for number, line in enumerate(lines, start=1):
        if not isinstance(line, dict) or type(line.get("seed")) is not int or not 0 <= line["seed"] < 2**63:
            what = f"got {line!r:.200}, expected a seed from 0 to 2^63 - 1"
            raise corrupt(path, f"line {number}", what, do)
    whole = "".join(json.dumps(line) + "\n" for line in lines)
    if whole != read_text(path):  # without a line that was torn, so that the next one stands alone
        write_text(path, whole)
    return {line["seed"] for line in lines}


def _note_failure(out: Path, seed: int, reason: str) -> None:
    with (out / FAILURES).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"seed": seed, "reason": reason}) + "\n")


def record_demonstrations(
    robot: RobotConfig,
    task: TaskConfig,
    seeds: Sequence[int],
    out: Path,
    *,
    workers: int = 2,
    options: RecordingOptions | None = None,
    keep_failures: bool = False,
    bar: bool = True,
) -> RecordingReport:
    """Record the expert once per seed into `out/episode_<seed>`; call again to go on after an interruption.

    Failed demonstrations are not kept (unless `keep_failures`) but listed in `out/failures.jsonl`.

    Raises:
        DataError: the disk refused, another process records into `out`, or it holds demonstrations of something else.
    """
    out.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(out)
    if not lock.held:
        text, do = f"{out}: another process is recording into it", "wait for it, or choose another folder"
        raise DataError(ErrorCode.DATA_RECORDING_ACTIVE, text, do=do)
    try:
        options = options or RecordingOptions()
        _refuse_others(out, described(robot, task, options))
        record = partial(
            _record, robot=robot, task=task, out=out, options=options, keep_failures=keep_failures
        )
        return _record_missing(record, seeds, out, workers, keep_failures=keep_failures, bar=bar)
    finally:
        lock.release()


def _refuse_others(out: Path, wanted: Mapping[str, Any]) -> None:
    """Demonstrations of one folder are alike: what is there already would count as done."""
    there = next(iter(sorted(out.glob(f"episode_*/{FILE_NAME}"))), None)
    if there is None:
        return
    facts = load(there.parent)
    found = {name: value for name, value in (vars(facts) | facts.extra).items() if name in wanted}
    for name, value in found.items():
        if value != wanted[name]:
            text = f"{out} holds demonstrations of another {name.replace('_', ' ')}"
            raise DataError(
                ErrorCode.DATA_PATH_REFUSED,
                text,
                got=wanted[name],
                expected=value,
                do="choose another folder",
            )


def _record_missing(
    record: Callable[[int], TaskState],
    seeds: Sequence[int],
    out: Path,
    workers: int,
    *,
    keep_failures: bool,
    bar: bool,
) -> RecordingReport:
    old_failures = failed_before(out)
    finished = {seed for seed in seeds if (episode_folder(out, seed) / FILE_NAME).is_file()}
    todo = [seed for seed in seeds if seed not in finished | old_failures]
    states: dict[int, TaskState] = {}
    for index, state in as_done(record, todo, workers=workers, label="recording", unit="episode", bar=bar):
        states[todo[index]] = state
        if not state.success:
            _note_failure(out, todo[index], state.text)
    failed = {seed for seed, state in states.items() if not state.success} | (old_failures & set(seeds))
    recorded = set(states) if keep_failures else set(states) - failed
    return RecordingReport(tuple(sorted(recorded)), tuple(sorted(finished)), tuple(sorted(failed)))


def record_until(
    robot: RobotConfig,
    task: TaskConfig,
    wanted: int,
    first_seed: int,
    out: Path,
    *,
    workers: int = 2,
    options: RecordingOptions | None = None,
) -> RecordingReport:
    """Record seeds from `first_seed` on until `wanted` of them are there; those that fail are passed over.

    Raises:
        DataError: the disk refused, or ten times as many seeds were tried as were wanted.
    """
    tried = wanted
    while True:
        seeds = range(first_seed, first_seed + tried)
        report = record_demonstrations(robot, task, seeds, out, workers=workers, options=options)
        missing = wanted - len(report.recorded) - len(report.skipped)
        if missing <= 0:
            return report
        if tried + missing > 10 * wanted:
            text = f"{out}: the expert of {task.name!r} failed at {len(report.failed)} of {tried} seeds"
            do = "look at what the expert does (segue run policy:=scripted), or want fewer"
            raise DataError(ErrorCode.DATA_CONVERSION, text, do=do)
        tried += missing
