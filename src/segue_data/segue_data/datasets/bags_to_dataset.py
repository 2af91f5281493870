"""Bags to one LeRobotDataset v3.0: episodes in parallel, checked, and complete or not there at all."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import DataError, ErrorCode
from segue_data.bags.manifest import Manifest, load
from segue_data.bags.reader import read
from segue_data.bags.streams import TELEOP, segments
from segue_data.bags.topics import COMMAND
from segue_data.datasets.bag_to_rows import stretches
from segue_data.datasets.video_writer import refuse_odd
from segue_data.datasets.writer import ConversionOptions, EpisodeJob, write_episode, write_meta
from segue_data.errors import exists, misaligned, missing, writing
from segue_data.parallel import run_all
from segue_data.storage.claimed_folder import claimed

_SHORTEST = 10  # commands; a shorter stretch teaches nothing


def _chosen(
    bags: Sequence[Path], robot: RobotConfig, options: ConversionOptions
) -> list[tuple[Path, Manifest]]:
    chosen = []
    for bag in bags:
        manifest = load(bag)
        if manifest.outcome not in options.outcomes:
            continue
        if manifest.problems and not options.doubtful:
            print(f"left out {bag}: {manifest.problems[0]} (--doubtful takes it)", file=sys.stderr)
            continue
        refuse_wrong_commands(bag, manifest, robot)
        if manifest.robot != robot.name and not options.any_contract:
            what = f"recorded with robot {manifest.robot!r}, the dataset is to be of {robot.name!r}"
            raise misaligned(
                bag,
                "manifest",
                f"{what}: convert its bags into a dataset of their own (--any-contract accepts it)",
            )
        if manifest.config_hash != robot.fingerprint() and not options.any_contract:
            raise misaligned(
                bag,
                "manifest",
                f"recorded under contract {manifest.config_hash or '(none)'} of {manifest.robot}, "
                f"got {robot.fingerprint()} of {robot.name} (--any-contract accepts it)",
            )
        chosen.append((bag, manifest))
    if not chosen:
        raise missing(bags[0].parent, _why_none(bags, robot, options))
    return chosen


def _why_none(bags: Sequence[Path], robot: RobotConfig, options: ConversionOptions) -> str:
    """Why not one of the bags was chosen: the outcomes that they have, and the option that takes them."""
    outcomes = Counter(load(bag).outcome for bag in bags)
    left_out = {name: count for name, count in outcomes.items() if name not in options.outcomes}
    text = f"none of {len(bags)} bags can be used"
    if not left_out:
        return f"{text}: the recorder doubts all of them (--doubtful takes them)"
    found = ", ".join(f"{count} with outcome {name!r}" for name, count in sorted(left_out.items()))
    return (
        f"{text}: {found}, wanted {sorted(options.outcomes)} ({_taken_by(bags, robot, options)} takes them)"
    )


def _taken_by(bags: Sequence[Path], robot: RobotConfig, options: ConversionOptions) -> str:
    """All options that the bags need beside those given."""
    needed = [options_for(manifest, robot) for manifest in map(load, bags)]
    outcomes = sorted({manifest.outcome for manifest in map(load, bags)} - options.outcomes)
    words = [f"--outcomes {' '.join(outcomes)}"]
    words += ["--doubtful"] if not options.doubtful and any("--doubtful" in n for n in needed) else []
    contract = not options.any_contract and any("--any-contract" in n for n in needed)
    return " ".join([*words, *(["--any-contract"] if contract else [])])


def wrong_commands(manifest: Manifest, robot: RobotConfig) -> str:
    """Why the commands of a bag cannot be this robot's, whatever its contract; empty where they can."""
    told, speaks = manifest.action_space, robot.action_space_name
    if told not in ("", speaks):
        return f"action_space is {told!r:.100}, robot {robot.name} speaks {speaks!r}"
    rate_hz = manifest.tick_rate_hz
    if rate_hz is not None and not math.isclose(rate_hz, robot.tick_rate_hz, rel_tol=1e-6):
        return f"tick_rate_hz is {rate_hz:g}, robot {robot.name} ticks at {robot.tick_rate_hz:g} Hz"
    return ""


def refuse_wrong_commands(bag: Path, manifest: Manifest, robot: RobotConfig) -> None:
    """Raises DataError for a bag whose commands cannot be the robot's."""
    if wrong := wrong_commands(manifest, robot):
        do = "take the contract that it was recorded with (--robot NAME)"
        raise misaligned(bag, "manifest", f"{wrong}: {do}")


def options_for(manifest: Manifest, robot: RobotConfig) -> list[str]:
    """Options of `segue data convert` without which it does not take a bag with this manifest."""
    words = [] if manifest.outcome in ConversionOptions().outcomes else [f"--outcomes {manifest.outcome}"]
    words += ["--doubtful"] if manifest.problems else []
    return words + (["--any-contract"] if manifest.config_hash != robot.fingerprint() else [])


def _text(manifest: Manifest) -> str:
    return manifest.instruction or manifest.task


def _owned(bag: Path, who: str) -> list[tuple[int, int]]:
    """(first command, number of commands) of the stretches that were commanded by `who`."""
    owners = [str(record.message().run_id) for record in read(bag, frozenset({COMMAND}))]
    wanted = [
        part for part in segments(owners) if who == "all" or part[0].startswith(TELEOP) == (who == "human")
    ]
    return [(first, last - first + 1) for _, first, last in wanted]


def _common(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What stretches (first, length) share, in their order."""
    ends = [(max(a, b), min(a + n, b + m)) for a, n in one for b, m in other]
    return [(first, end - first) for first, end in ends if end > first]


def _stretches(
    bag: Path, manifest: Manifest, robot: RobotConfig, options: ConversionOptions
) -> list[tuple[int | None, int]]:
    """(first command, number of commands) of every episode that the bag gives; first is None for all of it."""
    known = manifest.counts.get(COMMAND)
    count = sum(1 for _ in read(bag, frozenset({COMMAND}))) if known is None else known
    whole = stretches(bag, robot) if options.doubtful else [(0, count)]
    if options.commanded_by == "all" and whole == [(0, count)]:
        return [(None, count)]
    owned = [(0, count)] if options.commanded_by == "all" else _owned(bag, options.commanded_by)
    kept = [part for part in _common(owned, whole) if part[1] >= _SHORTEST]
    if whole != [(0, count)]:
        taken = f"{sum(length for _, length in kept)} of {sum(length for _, length in owned)} commands"
        print(f"{bag} has holes: {taken} are taken, in {len(kept)} episode(s)", file=sys.stderr)
    return list(kept)


def _jobs(
    chosen: Sequence[tuple[Path, Manifest]], out: Path, robot: RobotConfig, options: ConversionOptions
) -> list[EpisodeJob]:
    tasks = sorted({_text(manifest) for _, manifest in chosen})
    parts = [
        (bag, manifest, first, length)
        for bag, manifest in chosen
        for first, length in _stretches(bag, manifest, robot, options)
    ]
    if not parts:
        who = f" that was commanded by {options.commanded_by!r}" if options.commanded_by != "all" else ""
        text = f"no bag has a stretch of {_SHORTEST} commands or more{who}, every one with fresh pictures and state"
        raise missing(chosen[0][0].parent, text)
    starts = np.cumsum([0, *(length for *_, length in parts)]).tolist()
    return [
        EpisodeJob(
            bag=bag,
            out=out,
            episode=index,
            task=_text(manifest),
            task_index=tasks.index(_text(manifest)),
            seed=manifest.seed,
            start=starts[index],
            length=length,
            first=first,
        )
        for index, (bag, manifest, first, length) in enumerate(parts)
    ]


def convert(
    bags: Sequence[Path],
    out: Path,
    robot: RobotConfig,
    *,
    options: ConversionOptions | None = None,
    workers: int = 2,
    bar: bool = True,
) -> int:
    """Convert `bags` into the dataset folder `out`; returns the number of episodes.

    Works in `out` with `.partial` appended and renames at the end, so `out` is complete or absent.

    Raises:
        DataError: `out` exists, another process converts into it, the disk refuses, or a bag is corrupt, incomplete or
            misaligned (naming bag and place).
    """
    options = options or ConversionOptions()
    if options.videos:
        refuse_odd(options.size)
    if out.exists():
        raise exists(out)
    chosen = _chosen(bags, robot, options)
    partial_out = out.with_name(out.name + ".partial")
    with writing(out), claimed(partial_out, partial(_refuse_second, out)) as working:
        if out.exists():
            raise exists(out)
        jobs = _jobs(chosen, working, robot, options)
        write = partial(write_episode, robot=robot, options=options)
        how = {"workers": workers, "label": "converting", "unit": "episode", "bar": bar}
        write_meta(robot, options, jobs, run_all(write, jobs, **how))  # type: ignore[arg-type]
        working.replace(out)
    return len(jobs)


def _refuse_second(out: Path) -> None:
    text, do = f"{out}: another process converts into it", "wait for it, or choose another folder"
    raise DataError(ErrorCode.DATA_PATH_REFUSED, text, do=do)
