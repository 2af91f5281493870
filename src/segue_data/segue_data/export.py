"""A dataset back to bags, one per episode: commands, pictures, and the state as it is (a dataset has no joints).

The state goes to `/segue/observation` without pictures, in the order and units of the action space. `segue data
convert` reads it from there when a bag has no joint states, so dataset -> bags -> dataset gives the same frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segue_core.robot_config import RobotConfig
from segue_data import lerobot_format as layout
from segue_data import messages
from segue_data.contracts import load_robot
from segue_data.dataset import data_files, describe, matrix, read_json, read_table
from segue_data.encoding import ImageCodec
from segue_data.episode_pictures import pictures
from segue_data.episode_writer import EpisodeWriter, Topic
from segue_data.errors import exists, invalid_dataset, missing
from segue_data.manifest import Manifest
from segue_data.parallel import run_all
from segue_data.qos import RELIABLE, SENSOR
from segue_data.topics import COMMAND, OBSERVATION, image_topic


@dataclass(frozen=True)
class _Job:
    dataset: Path
    file: Path
    number: int
    bag: Path
    facts: Mapping[str, Any]


def _topics(cameras: tuple[str, ...]) -> dict[str, Topic]:
    images = {image_topic(name): Topic("sensor_msgs/msg/CompressedImage", SENSOR) for name in cameras}
    ours = "segue_interfaces/msg/"
    return {
        COMMAND: Topic(f"{ours}RobotCommand", RELIABLE),
        OBSERVATION: Topic(f"{ours}Observation", RELIABLE),
        **images,
    }


def _observation(stamp: int, tick: int, space: str, state: Any) -> Any:
    return messages.build(
        "segue_interfaces/msg/Observation",
        header=messages.header(stamp),
        tick=tick,
        action_space=space,
        state=np.ascontiguousarray(state, dtype=np.float32),
        cameras=[],
        images=[],
    )


def _encoded(job: _Job, camera: str, length: int) -> list[bytes]:
    """Compressed pictures of the episode: as they are stored, or frames of a video as PNG."""
    dataset = job.dataset
    if describe(dataset).videos:
        codec = ImageCodec("png")
        return [codec.encode(frame).tobytes() for frame in pictures(dataset, job.file, camera, range(length))]
    name = layout.IMAGE_PREFIX + camera
    found: list[bytes] = read_table(job.file, [name]).column(name).combine_chunks().field("bytes").to_pylist()
    return found


def _is_png(data: bytes) -> bool:
    return data[:4] == b"\x89PNG"


def _export(job: _Job, cameras: tuple[str, ...], robot: RobotConfig, rate_hz: float) -> None:
    table = read_table(job.file, [layout.STATE, layout.ACTION, "timestamp"])
    space = robot.action_space
    state, action = (matrix(table, name, space.dim, job.file) for name in (layout.STATE, layout.ACTION))
    stored = {camera: _encoded(job, camera, len(table)) for camera in cameras}
    stamps = np.round(table.column("timestamp").to_numpy().astype(np.float64) * 1e9).astype(np.int64).tolist()
    writer = EpisodeWriter(job.bag, _topics(cameras), wait=True)
    finished = False
    try:
        for tick, stamp in enumerate(stamps):
            for camera, column in stored.items():
                data = column[tick]
                label = f"rgb8; {'png' if _is_png(data) else 'jpeg'} compressed bgr8"
                image = np.frombuffer(data, dtype=np.uint8)
                frame = f"{camera}_camera_optical_frame"
                writer.write_message(
                    image_topic(camera), stamp, messages.compressed_image(stamp, frame, image, label)
                )
            writer.write_message(OBSERVATION, stamp, _observation(stamp, tick, space.name, state[tick]))
            command = messages.robot_command(stamp, tick, action[tick].astype(np.float64), space, "dataset")
            writer.write_message(COMMAND, stamp, command)
        writer.finish(_manifest(job, robot, rate_hz))
        finished = True
    finally:
        if not finished:
            writer.abandon()


def _manifest(job: _Job, robot: RobotConfig, rate_hz: float) -> Manifest:
    return Manifest(
        task=str(job.facts.get("task", "")),
        robot=robot.name,
        instruction=str(job.facts.get("task", "")),
        seed=job.facts.get("seed"),
        config_hash=robot.fingerprint(),
        action_space=robot.action_space_name,
        tick_rate_hz=rate_hz,
        outcome="success",
        extra={"source": "dataset", "episode": job.number},
    )


def export(
    dataset: Path, out: Path, robot: RobotConfig | None, *, workers: int = 2, progress: bool = True
) -> int:
    """Write every episode of `dataset` as a bag below `out`; returns how many.

    Raises:
        DataError: the dataset is corrupt, speaks another action space than the robot, or a bag is there already.
    """
    about, files = describe(dataset), data_files(dataset)
    if not files:
        raise missing(dataset, "no data files")
    info, ours = read_json(dataset / layout.INFO), read_json(dataset / layout.OURS)
    robot = robot or load_robot(str(info["robot_type"]))
    if about.space.fingerprint() != robot.action_space.fingerprint():
        what = f"action space {about.space.name}, robot {robot.name} speaks {robot.action_space.name}"
        raise invalid_dataset(dataset, layout.OURS, what)
    episodes = ours.get("episodes", [{}] * len(files))
    jobs = [
        _Job(dataset, file, number, out / f"episode_{number:06d}", episodes[number])
        for number, file in enumerate(files)
    ]
    if there := [job.bag for job in jobs if job.bag.exists()]:
        raise exists(there[0])
    out.mkdir(parents=True, exist_ok=True)
    write = partial(_export, cameras=about.cameras, robot=robot, rate_hz=about.rate_hz)
    run_all(write, jobs, workers=workers, label="exporting", unit="episode", progress=progress)
    return len(jobs)
