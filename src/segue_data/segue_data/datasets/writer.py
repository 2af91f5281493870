"""Write the files of a LeRobotDataset v3.0: one data file per episode, then the metadata over all of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from segue_core.contracts.lockstep import LockstepRobot
from segue_core.contracts.robot import RobotConfig
from segue_data.bags.encoding import ImageCodec
from segue_data.bags.topics import COMMAND
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.bag_to_rows import EpisodeArrays, StateFunction, read_episode
from segue_data.datasets.feature_statistics import Statistics, aggregate, of_images, of_vector
from segue_data.datasets.video_writer import write_video
from segue_data.errors import misaligned

IMAGE_SIZE = (96, 72)  # (width, height) that policies read


@dataclass(frozen=True)
class ConversionOptions:
    """What a dataset contains.

    PNG keeps frames exactly as the live graph sees them; JPEG is three times smaller.
    """

    size: tuple[int, int] = IMAGE_SIZE
    codec: ImageCodec = field(default_factory=lambda: ImageCodec("png"))
    outcomes: frozenset[str] = frozenset({"success"})
    any_contract: bool = False  # accept bags recorded under another robot contract
    videos: bool = False  # pictures as H.264 instead of PNG: ten times smaller, not exact
    commanded_by: Literal["all", "human", "policy"] = "all"  # whose stretches of a run with takeovers
    doubtful: bool = False  # accept bags that the recorder flagged, and split those with holes


@dataclass(frozen=True)
class EpisodeJob:
    """One episode to convert: its bag, its number and its rows in the dataset `out`."""

    bag: Path
    out: Path
    episode: int
    task: str
    task_index: int
    seed: int | None
    start: int
    length: int
    first: int | None = None  # command of the bag that row 0 is; None: the whole bag is the episode


@cache
def measured_state(robot_json: str) -> StateFunction:
    """State of a robot from its joint positions and gripper openings, as the live graph computes it."""
    from segue_control.robot.kinematics import Kinematics

    robot = RobotConfig.model_validate_json(robot_json)
    kinematics, joints = Kinematics(robot), len(robot.joint_names)
    return lambda measured: kinematics.forward(measured[:joints], measured[joints:])


def _statistics(
    arrays: EpisodeArrays, cameras: Sequence[str], counters: dict[str, Any]
) -> dict[str, Statistics]:
    images = {layout.IMAGE_PREFIX + c: of_images(arrays.images[:, i]) for i, c in enumerate(cameras)}
    vectors = {layout.STATE: of_vector(arrays.state), layout.ACTION: of_vector(arrays.action)}
    return {**vectors, **images, **{name: of_vector(np.asarray(values)) for name, values in counters.items()}}


def _counters(job: EpisodeJob, time_s: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    frames = np.arange(job.length, dtype=np.int64)
    return {
        "timestamp": time_s.astype(np.float32),
        "frame_index": frames,
        "episode_index": np.full(job.length, job.episode, dtype=np.int64),
        "index": frames + job.start,
        "task_index": np.full(job.length, job.task_index, dtype=np.int64),
    }


def _features(robot: LockstepRobot, options: ConversionOptions) -> dict[str, Any]:
    fps = round(robot.tick_rate_hz) if options.videos else None
    return layout.features(tuple(robot.cameras), options.size, robot.action_space.names, fps)


def _write_videos(job: EpisodeJob, robot: LockstepRobot, arrays: EpisodeArrays) -> None:
    place = layout.place(job.episode)
    for index, camera in enumerate(robot.cameras):
        name = layout.VIDEO_PATH.format(
            video_key=layout.IMAGE_PREFIX + camera, chunk_index=place["chunk"], file_index=place["file"]
        )
        write_video(job.out / name, arrays.images[:, index], arrays.time_s, robot.tick_rate_hz)


def _columns(
    job: EpisodeJob, robot: LockstepRobot, codec: ImageCodec | None, arrays: EpisodeArrays
) -> dict[str, Any]:
    columns: dict[str, Any] = {
        layout.STATE: layout.vector_column(arrays.state),
        layout.ACTION: layout.vector_column(arrays.action),
    }
    columns |= {name: pa.array(values) for name, values in _counters(job, arrays.time_s).items()}
    for index, camera in enumerate(robot.cameras if codec else ()):
        assert codec is not None
        encoded = [codec.encode(frame).tobytes() for frame in arrays.images[:, index]]
        columns[layout.IMAGE_PREFIX + camera] = layout.image_column(encoded, job.episode, camera)
    return columns


def write_episode(job: EpisodeJob, robot: RobotConfig, options: ConversionOptions) -> dict[str, Statistics]:
    """Write the data file of one episode; returns the statistics of its features.

    Raises:
        DataError: the bag is corrupt, incomplete or misaligned.
    """
    rows = slice(None) if job.first is None else slice(job.first, job.first + job.length)
    arrays = read_episode(job.bag, robot, measured_state(robot.model_dump_json()), options.size, rows)
    if len(arrays.action) != job.length:
        raise misaligned(job.bag, COMMAND, f"{len(arrays.action)} commands, manifest says {job.length}")
    return write_arrays(job, robot, options, arrays)


def write_arrays(
    job: EpisodeJob, robot: LockstepRobot, options: ConversionOptions, arrays: EpisodeArrays
) -> dict[str, Statistics]:
    """As `write_episode`, of frames that are in memory."""
    columns = _columns(job, robot, None if options.videos else options.codec, arrays)
    schema = layout.data_schema(_features(robot, options))
    if options.videos:
        _write_videos(job, robot, arrays)
    table = pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)
    path = job.out / layout.DATA.format(**layout.place(job.episode))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="snappy", use_dictionary=False, write_page_checksum=True)
    return _statistics(arrays, tuple(robot.cameras), _counters(job, arrays.time_s))


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_meta(
    robot: LockstepRobot,
    options: ConversionOptions,
    jobs: Sequence[EpisodeJob],
    statistics: Sequence[dict[str, Statistics]],
) -> None:
    """Write `meta/` for the converted episodes `jobs`, whose features have `statistics`."""
    out = jobs[0].out
    _write_json(out / layout.INFO, _info(robot, options, jobs))
    whole = {name: aggregate([part[name] for part in statistics]) for name in statistics[0]}
    _write_json(out / layout.STATS, layout.plain(whole))
    rows = [
        layout.episode_row(job.episode, job.task, job.start, job.length, part, _lengths(robot, options, part))
        for job, part in zip(jobs, statistics, strict=True)
    ]
    path = out / layout.EPISODES.format(chunk=0, file=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path, write_page_checksum=True)
    pq.write_table(layout.tasks_table(_tasks(jobs)), out / layout.TASKS, write_page_checksum=True)
    _write_json(out / layout.OURS, _ours(robot, jobs))


def _lengths(
    robot: LockstepRobot, options: ConversionOptions, statistics: dict[str, Statistics]
) -> dict[str, float] | None:
    """Length [s] of the video of every camera; None without videos."""
    if not options.videos:
        return None
    end = float(statistics["timestamp"]["max"].item()) + 1.0 / robot.tick_rate_hz
    return {layout.IMAGE_PREFIX + camera: end for camera in robot.cameras}


def _tasks(jobs: Sequence[EpisodeJob]) -> list[str]:
    """Task texts in the order of their indices."""
    return [text for _, text in sorted({(job.task_index, job.task) for job in jobs})]


def _info(robot: LockstepRobot, options: ConversionOptions, jobs: Sequence[EpisodeJob]) -> dict[str, Any]:
    return layout.info(
        _features(robot, options),
        robot=robot.name,
        fps=round(robot.tick_rate_hz),
        episodes=len(jobs),
        frames=jobs[-1].start + jobs[-1].length,
        tasks=len(_tasks(jobs)),
    )


def _ours(robot: LockstepRobot, jobs: Sequence[EpisodeJob]) -> dict[str, Any]:
    return {
        "format": 1,
        "action_space": robot.action_space.to_dict(),
        "rate_hz": robot.tick_rate_hz,
        "cameras": list(robot.cameras),
        "robot_contract": robot.fingerprint(),
        "episodes": [{"bag": job.bag.name, "seed": job.seed, "task": job.task} for job in jobs],
    }
