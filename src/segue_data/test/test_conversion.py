"""Laws of conversion: training sees what the live graph sees, and bad recordings are refused by place."""

from __future__ import annotations

import json
import math
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_control.robot.kinematics import Kinematics
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.errors import DataError, ErrorCode
from segue_data.bags import manifest, messages
from segue_data.bags.encoding import ImageCodec, decode
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.folders import find_bags
from segue_data.bags.manifest import Manifest
from segue_data.bags.reader import read
from segue_data.bags.topic import Topic
from segue_data.bags.topics import COMMAND, JOINT_STATES, demonstration_topics, image_topic
from segue_data.datasets import feature_statistics
from segue_data.datasets.alignment import as_of, check_ticks
from segue_data.datasets.bag_to_rows import read_episode
from segue_data.datasets.bags_to_dataset import convert
from segue_data.datasets.dataset import EpisodeDataset, load
from segue_data.datasets.writer import ConversionOptions
from segue_data.recording.lockstep import RecordingOptions, record_episode
from segue_data.recording.stage import Demonstration
from segue_data.testing import TICKS, TinyWorld, tiny_stage
from segue_perception.camera import CameraFrame
from segue_perception.preprocess import resize
from segue_perception.sync import Synchroniser

ROWS = TICKS + 2
HERE = Path("bag")


@pytest.fixture(scope="module")
def dataset(
    recorded: tuple[Path, Demonstration],
    robot: RobotConfig,
    task: TaskConfig,
    tmp_path_factory: pytest.TempPathFactory,
) -> EpisodeDataset:
    """Two episodes: the session's recording and another one."""
    folder = tmp_path_factory.mktemp("convert")
    shutil.copytree(recorded[0], folder / "bags" / "episode_000007")
    record_episode(
        tiny_stage(robot, task), 8, folder / "bags" / "episode_000008", RecordingOptions(settle_ticks=0)
    )
    convert(find_bags(folder / "bags"), folder / "dataset", robot, workers=1, bar=False)
    return load(folder / "dataset", workers=1, bar=False)


def test_a_dataset_frame_equals_the_bag_frame_through_the_live_preprocessing(
    dataset: EpisodeDataset, recorded: tuple[Path, Demonstration]
) -> None:
    for index, camera in enumerate(dataset.cameras):
        messages = [r.message() for r in read(recorded[0], frozenset({image_topic(camera)}))]
        for frame, message in enumerate(messages):
            live = resize(decode(message.data, "bag", camera), (96, 72))
            np.testing.assert_array_equal(dataset.images[frame, index], live)


def test_rows_carry_the_action_and_the_measured_state_of_their_tick(
    dataset: EpisodeDataset, recorded: tuple[Path, Demonstration], robot: RobotConfig
) -> None:
    actions = [r.message().action for r in read(recorded[0], frozenset({COMMAND}))]
    joints = [r.message() for r in read(recorded[0], frozenset({JOINT_STATES}))][::4][:ROWS]
    kinematics = Kinematics(robot)
    states = [kinematics.forward(m.position[:14], m.position[14:16]) for m in joints]
    np.testing.assert_array_equal(dataset.action[:ROWS], np.float32(actions))
    np.testing.assert_allclose(dataset.state[:ROWS], states, atol=1e-6)
    np.testing.assert_allclose(dataset.time_s[:ROWS], np.arange(ROWS) / 30, atol=1e-6)
    np.testing.assert_array_equal(dataset.bounds(), [0, ROWS, ROWS + TICKS])
    assert dataset.action_space.name == "dual_arm_ee" and dataset.rate_hz == 30.0


def test_the_files_are_what_lerobot_reads(dataset: EpisodeDataset) -> None:
    info = json.loads((dataset.path / "meta/info.json").read_text())
    table = pq.read_table(dataset.path / "data/chunk-000/file-001.parquet")
    episodes = pq.read_table(dataset.path / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    stats = json.loads((dataset.path / "meta/stats.json").read_text())
    assert info["codebase_version"] == "v3.0" and info["total_frames"] == len(dataset.action)
    assert set(table.column_names) == set(info["features"])
    assert table.column("index").to_pylist() == list(range(ROWS, len(dataset.action)))
    assert [(e["dataset_from_index"], e["dataset_to_index"]) for e in episodes] == [
        (0, ROWS),
        (ROWS, len(dataset.action)),
    ]
    assert np.shape(stats["observation.images.head"]["mean"]) == (3, 1, 1)
    np.testing.assert_allclose(stats["action"]["mean"], dataset.action.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(stats["action"]["std"], dataset.action.std(axis=0), rtol=1e-4)


def test_a_second_load_reads_the_cache_and_a_changed_dataset_rebuilds_it(
    dataset: EpisodeDataset, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(dataset.path, copy)
    first = load(copy, workers=1, bar=False)
    built = {path.name: path.stat().st_mtime_ns for path in (copy / ".cache").iterdir()}
    load(copy, workers=1, bar=False)
    assert built == {path.name: path.stat().st_mtime_ns for path in (copy / ".cache").iterdir()}
    os.utime(copy / "meta/info.json", ns=(1, 1))
    np.testing.assert_array_equal(load(copy, workers=1, bar=False).images, first.images)
    assert built.keys() != {path.name for path in (copy / ".cache").iterdir()}


def test_bags_of_another_robot_contract_are_refused(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    other = robot.model_copy(update={"description": "another"})
    with pytest.raises(DataError, match="contract") as caught:
        convert([recorded[0]], tmp_path / "dataset", other, bar=False)
    assert str(recorded[0]) in str(caught.value)
    assert not (tmp_path / "dataset").exists()


def test_failed_episodes_stay_out_unless_asked_for(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    bag = tmp_path / "bags" / "failed"
    shutil.copytree(recorded[0], bag)
    (bag / "manifest.json").write_text(replace(manifest.load(bag), outcome="failure").to_json())
    with pytest.raises(DataError, match="none of 1 bags"):
        convert([bag], tmp_path / "dataset", robot, bar=False)


def _broken_bag(folder: Path, robot: RobotConfig, skip: str = "", corrupt_frame: bool = False) -> Path:
    """Ten ticks with the named fault."""
    from segue_data.bags import messages

    world = TinyWorld(robot)
    writer = EpisodeWriter(folder, demonstration_topics(robot.cameras), wait=True)
    names = (*robot.joint_names, *robot.gripper_names)
    position = np.concatenate([world.joint_positions(), [1.0, 1.0]])
    for tick in range(10):
        stamp = round(tick / 30 * 1e9)
        action = np.full(14, np.nan if skip == "finite" and tick == 4 else 0.1)
        if not (skip == "tick" and tick == 5):
            writer.write_message(
                COMMAND, stamp, messages.robot_command(stamp, tick, action, robot.action_space, "x")
            )
        writer.write_message(JOINT_STATES, stamp, messages.joint_state(stamp, names, position, position))
        for camera, image in world.render().items():
            data = (
                ImageCodec().encode(image)
                if not (corrupt_frame and tick == 3)
                else np.zeros(9, dtype=np.uint8)
            )
            if not (skip == "camera" and camera == "head" and tick > 2):
                message = messages.compressed_image(stamp, camera, data, "jpeg")
                writer.write_message(image_topic(camera), stamp, message)
    facts = manifest.Manifest(task="t", robot=robot.name, config_hash=robot.fingerprint(), outcome="success")
    return writer.finish(facts)


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        ({"skip": "tick"}, "after tick 4"),
        ({"skip": "camera"}, "head, tick 5"),
        ({"skip": "finite"}, "tick 4"),
        ({"corrupt_frame": True}, "at 0.100 s"),
    ],
)
def test_a_bad_recording_is_refused_naming_file_and_place(
    fault: dict[str, object], place: str, robot: RobotConfig, tmp_path: Path
) -> None:
    bag = _broken_bag(tmp_path / "bag", robot, **fault)  # type: ignore[arg-type]
    with pytest.raises(DataError) as caught:
        convert([bag], tmp_path / "dataset", robot, workers=1, bar=False)
    assert str(bag) in str(caught.value) and place in str(caught.value)
    assert not (tmp_path / "dataset").exists()


def _complaints(bag: Path) -> list[str]:
    """Texts of the typed errors that reading the bag raises; any other exception is the test's failure."""
    try:
        for record in read(bag):
            record.message()
    except DataError as error:
        return [str(error)]
    return []


def test_flipped_bytes_in_a_bag_give_a_typed_error_or_readable_messages(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    whole = next(recorded[0].glob("*.mcap")).read_bytes()
    for seed in range(15):
        bag = tmp_path / f"flipped_{seed}"
        shutil.copytree(recorded[0], bag)
        rng = np.random.default_rng(seed)
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole), 40):
            damaged[at] ^= 1 << int(rng.integers(8))
        next(bag.glob("*.mcap")).write_bytes(bytes(damaged))
        assert all(str(bag) in text for text in _complaints(bag))


@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=30),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=30),
)
def test_as_of_is_the_newest_message_not_later_than_the_tick(stamps: list[int], ticks: list[int]) -> None:
    times, at = np.sort(np.array([0, *stamps], dtype=np.int64)), np.sort(np.array(ticks, dtype=np.int64))
    for tick, index in zip(at, as_of(at, times, max_age_ns=10**10, source=HERE, stream="s"), strict=True):
        assert times[index] == max(t for t in times if t <= tick)


def test_a_recording_that_ran_slow_cannot_pass_for_full_rate() -> None:
    numbers = np.arange(60)
    with pytest.raises(DataError, match="off 30 Hz") as caught:
        check_ticks(numbers, (numbers * 1e9 / 25).astype(np.int64), rate_hz=30.0, source=HERE)
    assert caught.value.code == ErrorCode.DATA_CONVERSION


@given(st.integers(2, 40), st.integers(1, 39), st.integers(0, 2**32 - 1))
def test_aggregated_statistics_equal_those_of_the_whole(rows: int, cut: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(rows + 1, 3)) * [1, 10, 100]
    cut = min(cut, rows)
    parts = [feature_statistics.of_vector(values[:cut]), feature_statistics.of_vector(values[cut:])]
    merged, whole = feature_statistics.aggregate(parts), feature_statistics.of_vector(values)
    for name in ("min", "max", "mean", "std", "count"):
        np.testing.assert_allclose(merged[name], whole[name], rtol=1e-9, atol=1e-9)


def test_options_default_to_lossless_frames_of_successful_episodes() -> None:
    options = ConversionOptions()
    assert options.codec.format == "png" and options.outcomes == {"success"}
    assert Topic("a/msg/B").transform is None


@pytest.mark.parametrize("jitter_ns", [0, 3_000_000])
def test_a_bag_frame_equals_the_live_observation_of_its_tick(
    jitter_ns: int, robot: RobotConfig, tmp_path: Path
) -> None:
    """The simulator rounds its clock up, commands are stamped to the nearest nanosecond, real cameras jitter."""
    writer = EpisodeWriter(tmp_path / "bag", demonstration_topics(robot.cameras), wait=True)
    names, codec, size = (*robot.joint_names, *robot.gripper_names), ImageCodec("png"), (96, 72)
    live, kinematics, rng = Synchroniser(robot, size), Kinematics(robot), np.random.default_rng(1)
    home = np.concatenate([*(arm.home_rad for arm in robot.arms), [1.0, 1.0]])
    seen = []
    for tick in range(30, 45):
        stamp = math.ceil(tick * 1e9 / 30) + (int(rng.integers(0, jitter_ns)) if jitter_ns else 0)
        for camera in robot.cameras:
            picture = rng.integers(0, 255, (192, 256, 3), dtype=np.uint8)
            message = messages.compressed_image(stamp, camera, codec.encode(picture), codec.label)
            writer.write_message(image_topic(camera), stamp, message)
            live.add_frame(camera, CameraFrame(picture, stamp), 0)
        joints = home + 0.001 * tick
        writer.write_message(JOINT_STATES, stamp, messages.joint_state(stamp, names, joints, joints))
        live.add_state(kinematics.forward(joints[:14], joints[14:]), stamp, 0)
        seen.append(live.assemble(tick, 0).observation)
        at = round(tick * 1e9 / 30)
        command = messages.robot_command(at, tick, np.full(14, 0.2), robot.action_space, "x")
        writer.write_message(COMMAND, at, command)
    writer.finish(Manifest(task="t", robot=robot.name))
    arrays = read_episode(tmp_path / "bag", robot, lambda q: kinematics.forward(q[:14], q[14:]), size)
    for row, observation in enumerate(seen):
        np.testing.assert_array_equal(arrays.state[row], observation.state)
        for index, camera in enumerate(robot.cameras):
            np.testing.assert_array_equal(arrays.images[row, index], observation.images[camera])


def test_stretches_of_a_person_become_episodes_of_their_own(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    """A bag whose commands 12 to 29 a person gave, and 40 to 44, which is too short."""
    topics = demonstration_topics(robot.cameras)
    writer = EpisodeWriter(tmp_path / "bag", topics, wait=True)
    world, codec = TinyWorld(robot), ImageCodec()
    names = (*robot.joint_names, *robot.gripper_names)
    for tick in range(60):
        stamp = round(tick * 1e9 / 30)
        by_hand = 12 <= tick < 30 or 40 <= tick < 45
        action = np.full(14, 0.001 * tick)
        owner = "teleop-gamepad-1" if by_hand else "pick_place-0-ab"
        writer.write_message(
            COMMAND, stamp, messages.robot_command(stamp, tick, action, robot.action_space, owner)
        )
        position = np.concatenate([world.joint_positions(), [1.0, 1.0]])
        writer.write_message(JOINT_STATES, stamp, messages.joint_state(stamp, names, position, position))
        for camera, image in world.render().items():
            picture = messages.compressed_image(stamp, camera, codec.encode(image), codec.label)
            writer.write_message(image_topic(camera), stamp, picture)
    writer.finish(Manifest(task="t", robot=robot.name, config_hash=robot.fingerprint(), outcome="success"))
    options = ConversionOptions(commanded_by="human")
    assert convert([tmp_path / "bag"], tmp_path / "set", robot, options=options, workers=1, bar=False) == 1
    data = load(tmp_path / "set", bar=False)
    np.testing.assert_allclose(data.action[:, 0], 0.001 * np.arange(12, 30), rtol=1e-6)
    assert data.time_s[0] == 0.0
