"""Laws of the recorder's own judgement: an episode with lost, late or frozen streams is never silently kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mcap.stream_reader import StreamReader

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import DataError
from segue_data.bags import manifest, messages
from segue_data.bags.definitions import typestore
from segue_data.bags.encoding import ImageCodec
from segue_data.bags.manifest import Manifest
from segue_data.bags.streams import Streams, check_timing
from segue_data.bags.topics import COMMAND, IMAGINED, JOINT_STATES, demonstration_topics, image_topic
from segue_data.contracts import load_robot
from segue_data.datasets.bag_to_rows import read_episode
from segue_data.datasets.bags_to_dataset import convert
from segue_data.datasets.dataset import load
from segue_data.datasets.writer import ConversionOptions
from segue_data.findings import Findings
from segue_data.recording.session import Closed, RecordingSession
from segue_data.testing import TinyWorld

TICKS = 40


def _session(root: Path, robot: RobotConfig, *, keep: bool = True) -> RecordingSession:
    facts = Manifest(task="t", robot=robot.name, config_hash=robot.fingerprint(), operator="Ada")
    topics = demonstration_topics(robot.cameras)
    return RecordingSession(
        root, topics, facts, min_free_bytes=1, on_event=print, robot=robot, keep_doubtful=keep
    )


def _record(session: RecordingSession, robot: RobotConfig, fault: str) -> Closed:
    """Forty ticks in which the robot moves, through the recorder's own entry."""
    session.start("episode", "t", 3)
    world, codec = TinyWorld(robot), ImageCodec()
    frozen = world.render()["head"]
    types = {name: topic.type_name for name, topic in demonstration_topics(robot.cameras).items()}
    names = (*robot.joint_names, *robot.gripper_names)

    def write(topic: str, stamp: int, message: object) -> None:
        session.write(topic, stamp, bytes(typestore().serialize_cdr(message, types[topic])))

    for tick in range(TICKS):
        stamp = round(tick / 30 * 1e9)
        position = np.concatenate([world.joint_positions() + 0.01 * tick, [1.0, 1.0]])
        command = messages.robot_command(stamp, tick, np.full(14, 0.2), robot.action_space, "teleop-1")
        if fault != "no commands":
            write(COMMAND, stamp, command)
        write(JOINT_STATES, stamp, messages.joint_state(stamp, names, position, position))
        for camera, image in world.render().items():
            if camera == "head" and (fault == "absent" or (fault == "late" and 10 < tick < 20)):
                continue
            shown = frozen if fault == "frozen" and camera == "head" else image
            picture = messages.compressed_image(stamp, camera, codec.encode(shown), codec.label)
            write(image_topic(camera), stamp, picture)
    return session.stop("success")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("frozen", "frozen from frame 0"),
        ("late", "gap of"),
        ("absent", "no frames of this camera"),
        ("no commands", "/segue/command: no messages"),
    ],
)
def test_a_doubtful_episode_is_flagged_with_its_reason_and_left_out_of_datasets(
    fault: str, says: str, robot: RobotConfig, tmp_path: Path
) -> None:
    closed = _record(_session(tmp_path / "bags", robot), robot, fault)
    assert any(says in text for text in closed.problems)
    assert manifest.load(tmp_path / "bags" / "episode").problems == list(closed.problems)
    with pytest.raises(DataError, match="none of 1 bags"):
        convert([tmp_path / "bags" / "episode"], tmp_path / "out", robot, workers=1, bar=False)


def test_a_good_episode_has_no_flag(robot: RobotConfig, tmp_path: Path) -> None:
    closed = _record(_session(tmp_path, robot), robot, "")
    assert closed.problems == ()
    facts = manifest.load(tmp_path / "episode")
    assert (facts.problems, facts.operator, facts.seed) == ([], "Ada", 3)


def test_a_message_whose_bytes_are_damaged_makes_an_episode_doubtful(
    robot: RobotConfig, tmp_path: Path
) -> None:
    session = _session(tmp_path, robot)
    session.start("episode", "t", 3)
    session.write(JOINT_STATES, 1, b"\0\1\0\0damaged")
    problems = session.stop("success").problems
    assert any(JOINT_STATES in problem and "cannot be read" in problem for problem in problems)


@pytest.mark.parametrize(
    ("stamps", "publishers", "flags"),
    [((0, 3, 2, 5), "abab", 0), ((0, 3, 2, 5), "aaaa", 1), ((0, 3, 2, 1), "abab", 1)],
)
def test_publishers_of_one_topic_overtake_each_other_and_none_itself(
    stamps: tuple[int, ...], publishers: str, flags: int
) -> None:
    streams, findings = Streams(), Findings(Path("bag"), "bag")
    types = {name: topic.type_name for name, topic in demonstration_topics(()).items()}
    space = load_robot("franka").action_space
    for stamp, who in zip(stamps, publishers, strict=True):
        for topic, message in (
            (JOINT_STATES, messages.joint_state(stamp, (f"{who}_1",), np.zeros(1), np.zeros(1))),
            (COMMAND, messages.robot_command(stamp, 0, np.zeros(space.dim), space, who)),
        ):
            streams.add(
                topic, 0, bytes(typestore().serialize_cdr(message, types[topic])), lambda m=message: m
            )
    check_timing(streams, findings)
    assert [problem.what for problem in findings.problems] == ["1 stamps go backwards"] * 2 * flags


@pytest.mark.parametrize(("camera", "flags"), [("head", 1), (IMAGINED, 0)])
def test_what_is_imagined_comes_when_it_may_and_pictures_of_a_camera_do_not(camera: str, flags: int) -> None:
    streams, findings = Streams(), Findings(Path("bag"), "bag")
    streams.stamps[image_topic(camera)] = [k * 33_000_000 for k in (0, 1, 2, 3, 40, 41)]
    check_timing(streams, findings)
    assert len(findings.problems) == flags


def test_a_recorder_that_refuses_doubtful_episodes_leaves_none(robot: RobotConfig, tmp_path: Path) -> None:
    closed = _record(_session(tmp_path, robot, keep=False), robot, "frozen")
    assert closed.folder is None and closed.problems
    assert list(tmp_path.iterdir()) == []


def test_an_open_episode_says_on_disk_what_it_is(robot: RobotConfig, tmp_path: Path) -> None:
    session = _session(tmp_path, robot)
    session.start("episode", "stack", 9)
    facts = manifest.load(tmp_path / ".recording" / "episode")
    assert (facts.task, facts.seed, facts.operator, facts.complete) == ("stack", 9, "Ada", False)
    session.stop("failure", discard=True)


def test_every_chunk_has_a_checksum_that_holds(robot: RobotConfig, tmp_path: Path) -> None:
    _record(_session(tmp_path, robot), robot, "")
    file = tmp_path / "episode" / "episode.mcap"
    with file.open("rb") as stream:
        chunks = [r for r in StreamReader(stream, emit_chunks=True).records if type(r).__name__ == "Chunk"]
    assert chunks and all(chunk.uncompressed_crc for chunk in chunks)
    with file.open("rb") as stream:
        assert list(StreamReader(stream, validate_crcs=True).records)


def _with_holes(root: Path, robot: RobotConfig) -> Path:
    """Seventy ticks: two are missing behind tick 24, and camera `head` sends nothing from 40 to 49."""
    session = _session(root, robot)
    session.start("episode", "t", 3)
    world, codec = TinyWorld(robot), ImageCodec()
    types = {name: topic.type_name for name, topic in demonstration_topics(robot.cameras).items()}
    names = (*robot.joint_names, *robot.gripper_names)
    for tick in range(70):
        stamp = round(tick / 30 * 1e9)
        position = np.concatenate([world.joint_positions() + 0.01 * tick, [1.0, 1.0]])
        said = {JOINT_STATES: messages.joint_state(stamp, names, position, position)}
        if tick not in (25, 26):
            action = np.full(14, 0.2 + 0.001 * tick)
            said[COMMAND] = messages.robot_command(stamp, tick, action, robot.action_space, "run-1")
        for camera, image in world.render().items():
            if camera != "head" or not 40 <= tick < 50:
                picture = messages.compressed_image(stamp, camera, codec.encode(image), codec.label)
                said[image_topic(camera)] = picture
        for topic, message in said.items():
            session.write(topic, stamp, bytes(typestore().serialize_cdr(message, types[topic])))
    session.stop("success")
    return root / "episode"


def test_a_bag_with_holes_becomes_the_episodes_between_them_and_nothing_is_filled_in(
    robot: RobotConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--doubtful` refused such a bag, a run that was recorded with the wall clock, and named no way out."""
    bag = _with_holes(tmp_path, robot)
    options = ConversionOptions(doubtful=True)
    assert convert([bag], tmp_path / "set", robot, options=options, workers=1, bar=False) == 3
    data = load(tmp_path / "set", bar=False)
    assert np.bincount(data.episode).tolist() == [
        25,
        15,
        20,
    ]  # 0 to 24, 27 to 41 (two ticks late at most), 50 to 69
    ticks = [*range(25), *range(27, 42), *range(50, 70)]
    np.testing.assert_allclose(data.action[:, 0], 0.2 + 0.001 * np.array(ticks), atol=1e-6)
    assert all(data.time_s[data.episode == number][0] == 0.0 for number in range(3))
    assert "has holes: 60 of 68 commands are taken, in 3 episode(s)" in capsys.readouterr().err
    with pytest.raises(DataError, match="--doubtful leaves such ticks out and splits there"):
        read_episode(bag, robot, lambda q: q, None)
