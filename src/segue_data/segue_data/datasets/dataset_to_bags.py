"""A dataset back to bags, one per episode: commands, pictures, and the state as it is (a dataset has no joints).

The state goes to `/segue/observation` without pictures, in the order and units of the action space. `segue data
convert` reads it from there when a bag has no joint states, so dataset -> bags -> dataset gives the same frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import DataError, ErrorCode
from segue_data.bags import messages
from segue_data.bags.encoding import ImageCodec
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.manifest import Manifest
from segue_data.bags.qos import RELIABLE, SENSOR
from segue_data.bags.topic import Topic
from segue_data.bags.topics import COMMAND, OBSERVATION, image_topic
from segue_data.contracts import recorded_robot
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.episodes import DatasetFiles, Episode, open_dataset
from segue_data.datasets.info import Camera, OurEpisode, read_ours, robot_of
from segue_data.datasets.pictures import all_pictures, stored
from segue_data.datasets.values import refuse_values
from segue_data.errors import exists, invalid_dataset, writing
from segue_data.parallel import run_all
from segue_data.storage.claimed_folder import claimed

_WORKING = ".export.partial"


@dataclass(frozen=True)
class _Job:
    episode: Episode
    state: NDArray[np.float32]
    action: NDArray[np.float32]
    times_s: NDArray[Any]
    bag: Path
    seed: int | None
    task: str


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


def _encoded(files: DatasetFiles, episode: Episode, view: Camera) -> list[bytes]:
    """Compressed pictures of the episode: as they are stored, or frames of a video as PNG."""
    if not view.video:
        return [data for _, data in stored(files, episode, view)]
    codec = ImageCodec("png")
    return [codec.encode(frame).tobytes() for _, frame in all_pictures(files, episode, view)]


def _is_png(data: bytes) -> bool:
    return data[:4] == b"\x89PNG"


def _export(job: _Job, files: DatasetFiles, robot: RobotConfig) -> None:
    space = robot.action_space
    pictures = {view.name: _encoded(files, job.episode, view) for view in files.about.views}
    stamps = np.round(job.times_s.astype(np.float64) * 1e9).astype(np.int64).tolist()
    writer = EpisodeWriter(job.bag, _topics(files.about.cameras), wait=True)
    finished = False
    try:
        for tick, stamp in enumerate(stamps):
            for camera, column in pictures.items():
                data = column[tick]
                label = f"rgb8; {'png' if _is_png(data) else 'jpeg'} compressed bgr8"
                image = np.frombuffer(data, dtype=np.uint8)
                frame = f"{camera}_camera_optical_frame"
                writer.write_message(
                    image_topic(camera), stamp, messages.compressed_image(stamp, frame, image, label)
                )
            writer.write_message(OBSERVATION, stamp, _observation(stamp, tick, space.name, job.state[tick]))
            command = messages.robot_command(
                stamp, tick, job.action[tick].astype(np.float64), space, "dataset"
            )
            writer.write_message(COMMAND, stamp, command)
        writer.finish(_manifest(job, robot, files.about.rate_hz))
        finished = True
    finally:
        if not finished:
            writer.abandon()


def _manifest(job: _Job, robot: RobotConfig, rate_hz: float) -> Manifest:
    return Manifest(
        task=job.task,
        robot=robot.name,
        instruction=job.task,
        seed=job.seed,
        config_hash=robot.fingerprint(),
        action_space=robot.action_space_name,
        tick_rate_hz=rate_hz,
        outcome="success",
        extra={"source": "dataset", "episode": job.episode.number},
    )


def export(dataset: Path, out: Path, robot: RobotConfig | None, *, workers: int = 2, bar: bool = True) -> int:
    """Write every episode of `dataset` as a bag below `out`; returns how many.

    Works in a folder of its own in `out`; the bags take their places when all of them are complete.

    Raises:
        DataError: the dataset is corrupt, speaks another action space than the robot, a bag is there already, or
            another process exports into `out`.
    """
    files = open_dataset(dataset)
    refuse_values(files)
    robot = robot or recorded_robot(robot_of(dataset), dataset)
    space = files.about.space
    if space.fingerprint() != robot.action_space.fingerprint():
        what = f"action space {space.name}, robot {robot.name} speaks {robot.action_space.name}"
        raise invalid_dataset(dataset, layout.OURS, what)
    _refuse_taken(files, out)
    with writing(out), claimed(out / _WORKING, partial(_refuse_second, out)) as working:
        jobs = _jobs(files, working)
        write = partial(_export, files=files, robot=robot)
        run_all(write, jobs, workers=workers, label="exporting", unit="episode", bar=bar)
        _refuse_taken(files, out)
        for job in jobs:
            job.bag.replace(out / job.bag.name)
    return len(jobs)


def _bag_name(number: int) -> str:
    return f"episode_{number:06d}"


def _refuse_taken(files: DatasetFiles, out: Path) -> None:
    bags = [out / _bag_name(number) for number in range(len(files.episodes))]
    if there := [bag for bag in bags if bag.exists()]:
        raise exists(there[0])


def _refuse_second(out: Path) -> None:
    text, do = f"{out}: another process exports into it", "wait for it, or choose another folder"
    raise DataError(ErrorCode.DATA_PATH_REFUSED, text, do=do)


def _jobs(files: DatasetFiles, out: Path) -> list[_Job]:
    facts = read_ours(files.path).episodes
    states, actions, times = files.rows(layout.STATE), files.rows(layout.ACTION), files.numbers("timestamp")
    jobs = []
    for number, episode in enumerate(files.episodes):
        known = facts[number] if number < len(facts) else OurEpisode()
        task = episode.task or known.task or ""
        bag = out / _bag_name(number)
        jobs.append(_Job(episode, states[number], actions[number], times[number], bag, known.seed, task))
    return jobs
