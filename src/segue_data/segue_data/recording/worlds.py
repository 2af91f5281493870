"""Demonstrations by the expert of a world that others wrote: a dataset at once, for such a world has no joints to bag.

tried      seed 0: 92 ticks, success   seed 1: 500 ticks, failure   seed 2: 88 ticks, success   (without pictures)
written    episode 0                                                episode 1                   (the same once more)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from segue_core.arrays import Floats, Rgb
from segue_core.errors import DataError, ErrorCode
from segue_core.task_state import TaskState
from segue_core.world import World, WorldPlant
from segue_data.datasets.bag_to_rows import EpisodeArrays
from segue_data.datasets.feature_statistics import Statistics
from segue_data.datasets.writer import ConversionOptions, EpisodeJob, write_arrays, write_meta
from segue_data.errors import exists, writing
from segue_data.parallel import run_all
from segue_data.recording.demonstrations import RecordingReport
from segue_data.storage.claimed_folder import claimed
from segue_perception.preprocess import resize
from segue_sim.worlds import find_world

_SETTLE_TICKS = 10  # still recorded after success, so that policies learn what it looks like
_Look = Callable[[Floats], None]


@dataclass(frozen=True)
class _Tried:
    """What came of a seed."""

    seed: int
    ticks: int
    state: TaskState


@cache
def _plant(name: str, render: bool) -> WorldPlant:
    return find_world(name).plant(render)


def _demonstrate(plant: WorldPlant, world: World, seed: int, look: _Look | None = None) -> _Tried:
    """Let the expert do it; `look` is called with its action (D,) at every tick, before that is executed."""
    plant.reset(seed)
    settled, ticks = 0, round(world.task.time_limit_s * world.robot.tick_rate_hz)
    for tick in range(ticks):
        action = np.asarray(plant.expert_action(), dtype=np.float64)
        if look is not None:
            look(action)
        plant.execute(action, tick)
        settled += plant.task_state().success
        if settled > _SETTLE_TICKS:
            return _Tried(seed, tick + 1, plant.task_state())
    return _Tried(seed, ticks, plant.task_state())


def _try(seed: int, name: str) -> _Tried:
    return _demonstrate(_plant(name, False), find_world(name), seed)


def _write(job: tuple[EpisodeJob, _Tried], name: str, options: ConversionOptions) -> dict[str, Statistics]:
    """Do once more what was tried, with pictures, and write it."""
    (episode, tried), plant, world = job, _plant(name, True), find_world(name)
    pictures: list[list[Rgb]] = []
    rows: list[tuple[Floats, Floats]] = []

    def look(action: Floats) -> None:
        seen = plant.images()
        pictures.append([resize(seen[camera], options.size) for camera in world.robot.cameras])
        rows.append((plant.measured(), action))

    again = _demonstrate(plant, world, tried.seed, look)
    if again != tried:
        text = f"{name}: two episodes of seed {tried.seed} differ"
        raise DataError(
            ErrorCode.DATA_CONVERSION, text, got=f"{again.ticks} ticks", expected=f"{tried.ticks} ticks"
        )
    state, action = (np.array(part, dtype=np.float32) for part in zip(*rows, strict=True))
    time_s = np.arange(len(rows)) / world.robot.tick_rate_hz
    return write_arrays(
        episode, world.robot, options, EpisodeArrays(np.array(pictures), state, action, time_s)
    )


def _jobs(kept: Sequence[_Tried], world: World, out: Path) -> list[tuple[EpisodeJob, _Tried]]:
    starts = np.cumsum([0, *(tried.ticks for tried in kept)]).tolist()
    return [
        (
            EpisodeJob(
                bag=Path(f"seed_{tried.seed:06d}"),
                out=out,
                episode=number,
                task=world.task.instruction,
                task_index=0,
                seed=tried.seed,
                start=starts[number],
                length=tried.ticks,
            ),
            tried,
        )
        for number, tried in enumerate(kept)
    ]


def record_world(
    name: str,
    seeds: Sequence[int],
    out: Path,
    *,
    workers: int = 2,
    options: ConversionOptions | None = None,
    keep_failures: bool = False,
    bar: bool = True,
) -> RecordingReport:
    """Demonstrations of FAMILY/NAME as the dataset `out`, which is complete at the end or not there.

    Raises:
        ConfigError: no such world, or one without an expert.
        DataError: `out` exists, another process records into it, the disk refuses, or equal seeds were not equal.
    """
    world, options = find_world(name), options or ConversionOptions()
    if out.exists():
        raise exists(out)
    run = partial(run_all, workers=workers, unit="episode", bar=bar)
    with writing(out), claimed(out.with_name(out.name + ".partial"), partial(_refuse_second, out)) as working:
        tried: list[_Tried] = run(partial(_try, name=name), seeds, label="trying")
        kept = [one for one in tried if one.state.success or keep_failures]
        failed = tuple(one.seed for one in tried if not one.state.success)
        if kept:
            jobs = _jobs(kept, world, working)
            statistics = run(partial(_write, name=name, options=options), jobs, label="recording")
            write_meta(world.robot, options, [job for job, _ in jobs], statistics)
            working.replace(out)
    return RecordingReport(tuple(one.seed for one in kept), (), failed)


def _refuse_second(out: Path) -> None:
    text, do = f"{out}: another process records into it", "wait for it, or choose another folder"
    raise DataError(ErrorCode.DATA_RECORDING_ACTIVE, text, do=do)
