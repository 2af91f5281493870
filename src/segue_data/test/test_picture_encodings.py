"""Laws of what cameras send: the live graph, the recorder, checks and datasets agree about every picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import DataError
from segue_core.pictures import LAYOUTS
from segue_data.bags import messages
from segue_data.bags.definitions import typestore
from segue_data.bags.encoding import ImageCodec, decode
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.manifest import load
from segue_data.bags.qos import SENSOR
from segue_data.bags.reader import read
from segue_data.bags.topic import Topic
from segue_data.bags.topics import demonstration_topics, image_topic
from segue_data.checks.bag import check_bag
from segue_data.datasets.bag_to_rows import read_episode
from segue_data.recording.compression import COMPRESSED, RAW, compress_image
from segue_data.recording.stage import Demonstration
from segue_perception.colours import COLOURS, to_rgb

SIZE = (96, 72)
HEAD, HEAD_RAW = image_topic("head"), image_topic("head", RAW)
RAW_DEPTH = "/head_camera/depth/image_raw"
DEPTH = f"{RAW_DEPTH}/compressedDepth"


def _raw(rgb: NDArray[np.uint8], encoding: str, header: Any) -> Any:
    """A raw image message of the picture's size; its bytes show the picture only in bgra8."""
    kind, channels = LAYOUTS.get(encoding, (np.uint8, 3))
    height, width = rgb.shape[:2]
    step = width * max(channels, 1) * np.dtype(kind).itemsize
    values = np.resize(rgb, (height, step))
    if encoding == "bgra8":
        values = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA)).reshape(height, -1)
    size = {"height": height, "width": width, "step": step}
    return messages.build(RAW, header=header, encoding=encoding, data=values.reshape(-1), **size)


def _with_raw_head(bag: Path, out: Path, robot: RobotConfig, encoding: str, *, depth: bool = False) -> Path:
    """A copy of the bag whose head camera is raw; `depth` adds topics of depth beside it."""
    topics = demonstration_topics(robot.cameras)
    del topics[HEAD]
    topics |= {HEAD_RAW: Topic(RAW, SENSOR)}
    topics |= {DEPTH: Topic(COMPRESSED, SENSOR), RAW_DEPTH: Topic(RAW, SENSOR)} if depth else {}
    writer = EpisodeWriter(out, topics, wait=True)
    for record in read(bag):
        if record.topic != HEAD:
            writer.write(record.topic, record.log_ns, record.data)
            continue
        message = record.message()
        rgb = decode(message.data, "head", "frame")
        writer.write_message(HEAD_RAW, record.log_ns, _raw(rgb, encoding, message.header))
        if depth:
            data = np.frombuffer(bytes(12) + b"\x89PNG and so on", dtype=np.uint8)
            image = messages.build(
                COMPRESSED, header=message.header, format="16UC1; compressedDepth", data=data
            )
            writer.write_message(DEPTH, record.log_ns, image)
            writer.write_message(RAW_DEPTH, record.log_ns, _raw(rgb, "16UC1", message.header))
    return writer.finish(load(bag))


@pytest.mark.parametrize("encoding", COLOURS)
def test_what_the_policy_can_see_can_be_recorded(encoding: str) -> None:
    rgb = np.random.default_rng(1).integers(0, 255, (8, 10, 3), dtype=np.uint8)
    message = _raw(rgb, encoding, messages.header(5))
    store = typestore()
    stored = store.deserialize_cdr(
        compress_image(ImageCodec("png"))(store.serialize_cdr(message, RAW)), COMPRESSED
    )
    np.testing.assert_array_equal(decode(stored.data, "here", "frame"), to_rgb(message))


def test_a_camera_with_an_alpha_channel_gives_the_dataset_of_one_without(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    bag, _ = recorded
    other = _with_raw_head(bag, tmp_path / "bgra", robot, "bgra8")
    assert check_bag(other, robot).ok

    def state(q: NDArray[np.float64]) -> NDArray[np.float64]:
        return q

    expected, got = (read_episode(path, robot, state, SIZE).images for path in (bag, other))
    np.testing.assert_array_equal(got, expected)


def test_check_says_before_convert_which_pictures_it_will_refuse(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    other = _with_raw_head(recorded[0], tmp_path / "depth", robot, "16UC1")
    (problem,) = check_bag(other, robot).problems
    assert problem.place == HEAD_RAW and "16UC1" in problem.what and "bgra8" in problem.what
    with pytest.raises(DataError, match="16UC1"):
        read_episode(other, robot, lambda q: q, SIZE)


def test_depth_beside_the_cameras_is_no_problem_of_a_bag(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    other = _with_raw_head(recorded[0], tmp_path / "beside", robot, "bgr8", depth=True)
    assert check_bag(other, robot).problems == []


def test_an_unreadable_picture_does_not_hide_what_else_is_wrong(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    other = _with_raw_head(recorded[0], tmp_path / "odd", robot, "no such thing")
    findings = check_bag(other, robot)
    assert any("no such thing" in problem.what for problem in findings.problems)
    assert "largest_age_s" in findings.facts and findings.facts["commanded_by"]
