"""Laws of recording: what goes in comes out, a crash loses at most a chunk, a full disk ends in an event."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import TICKS, tiny_stage

from segue_core.errors import DataError, ErrorCode
from segue_core.robot_config import RobotConfig
from segue_core.task_config import TaskConfig
from segue_data import manifest
from segue_data.bag_reader import read, stamp_ns
from segue_data.definitions import typestore
from segue_data.encoding import decode
from segue_data.episode_writer import EpisodeWriter, Topic
from segue_data.lockstep import RecordingOptions, record_episode
from segue_data.manifest import RECORDING, Manifest
from segue_data.repair import repair, repair_open_episodes
from segue_data.stage import Stage
from segue_data.topics import COMMAND, JOINT_STATES, image_topic
from segue_sim.disturbance import DisturbanceConfig

TEXT = {"/text": Topic("std_msgs/msg/String")}
FACTS = Manifest(task="none", robot="none")


def _text(number: int, size: int = 40_000) -> bytes:
    kind = typestore().types["std_msgs/msg/String"]
    return bytes(typestore().serialize_cdr(kind(f"{number:06d}" + "x" * size), "std_msgs/msg/String"))


def _numbers(bag: Path) -> list[int]:
    return [int(record.message().data[:6]) for record in read(bag)]


def test_every_command_of_the_expert_is_in_the_bag_at_its_tick(recorded: tuple[Path, Stage]) -> None:
    bag, stage = recorded
    messages = [record.message() for record in read(bag, frozenset({COMMAND}))]
    assert len(messages) == TICKS + 2
    assert [message.tick for message in messages] == list(range(TICKS + 2))
    assert [stamp_ns(m.header) for m in messages] == [round(k / 30 * 1e9) for k in range(TICKS + 2)]
    said = stage.expert.said  # type: ignore[attr-defined]
    np.testing.assert_array_equal([m.action for m in messages], said)


def test_pictures_survive_recording_almost_unchanged(recorded: tuple[Path, Stage]) -> None:
    bag, stage = recorded
    messages = [record.message() for record in read(bag, frozenset({image_topic("head")}))]
    for message, frames in zip(messages, stage.world.frames, strict=True):  # type: ignore[attr-defined]
        error = decode(message.data, "bag", "frame").astype(int) - frames["head"]
        assert np.abs(error).mean() < 2.0


def test_four_joint_states_come_with_every_tick(recorded: tuple[Path, Stage]) -> None:
    stamps = [stamp_ns(record.message().header) for record in read(recorded[0], frozenset({JOINT_STATES}))]
    assert stamps == [round(k / 120 * 1e9) for k in range(4 * (TICKS + 2) + 1)]


def test_a_manifest_tells_what_was_recorded(recorded: tuple[Path, Stage]) -> None:
    facts = manifest.load(recorded[0])
    assert (facts.seed, facts.task, facts.outcome, facts.complete) == (7, "pick_place", "success", True)
    assert facts.message_counts[COMMAND] == TICKS + 2
    assert facts.dropped == {}


def test_a_failed_demonstration_leaves_nothing(robot: RobotConfig, task: TaskConfig, tmp_path: Path) -> None:
    record_episode(
        tiny_stage(robot, task, success=False), 1, tmp_path / "bags" / "episode", RecordingOptions()
    )
    assert list((tmp_path / "bags").iterdir()) == []


def test_disturbance_goes_to_its_own_topic_and_never_into_the_label(
    robot: RobotConfig, task: TaskConfig, tmp_path: Path
) -> None:
    stage = tiny_stage(robot, task)
    record_episode(stage, 1, tmp_path / "bag", RecordingOptions(disturbance=DisturbanceConfig()))
    clean = [r.message().action for r in read(tmp_path / "bag", frozenset({COMMAND}))]
    disturbed = [r.message().action for r in read(tmp_path / "bag", frozenset({"/segue/disturbed_command"}))]
    np.testing.assert_array_equal(clean, stage.expert.said)  # type: ignore[attr-defined]
    assert not np.allclose(clean, disturbed, atol=1e-4)


def test_an_existing_bag_is_never_overwritten(recorded: tuple[Path, Stage]) -> None:
    with pytest.raises(DataError, match="not overwritten") as caught:
        EpisodeWriter(recorded[0], TEXT)
    assert caught.value.code == ErrorCode.DATA_PATH_REFUSED


def test_a_full_queue_drops_and_counts_but_never_blocks(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path / "bag", TEXT, budget_bytes=50_000)
    accepted = [writer.write("/text", number, _text(number)) for number in range(300)]
    writer.finish(FACTS)
    facts = manifest.load(tmp_path / "bag")
    assert facts.message_counts["/text"] == sum(accepted)
    assert facts.dropped.get("/text", 0) == accepted.count(False)
    assert len(_numbers(tmp_path / "bag")) == sum(accepted)


def test_lockstep_recording_waits_and_loses_nothing(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path / "bag", TEXT, budget_bytes=50_000, wait=True)
    assert all(writer.write("/text", number, _text(number)) for number in range(100))
    writer.finish(FACTS)
    assert _numbers(tmp_path / "bag") == list(range(100))


KILLED = """
import sys, os, signal
from pathlib import Path
from test_recording import TEXT, _text
from segue_data.episode_writer import EpisodeWriter
writer = EpisodeWriter(Path(sys.argv[1]), TEXT, wait=True)
for number in range(200):
    writer.write("/text", number, _text(number))
while writer.counts["/text"] < 150:
    pass
os.kill(os.getpid(), signal.SIGKILL)
"""


def _run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)


def test_a_killed_recorder_loses_at_most_its_last_chunk_and_repair_is_idempotent(tmp_path: Path) -> None:
    killed = _run(KILLED, str(tmp_path / "bag"))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with pytest.raises(DataError, match="not a finished bag"):
        list(read(tmp_path / RECORDING / "bag"))
    (report,) = repair_open_episodes(tmp_path)
    assert report.changed and report.bag == tmp_path / "bag"
    numbers = _numbers(report.bag)
    assert numbers == list(range(len(numbers))) and len(numbers) >= 125
    before = {path.name: path.read_bytes() for path in report.bag.iterdir()}
    assert not repair(report.bag).changed
    assert before == {path.name: path.read_bytes() for path in report.bag.iterdir()}
    assert not manifest.load(report.bag).complete


def test_a_bag_cut_at_any_byte_is_repaired_or_refused(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path / "bag", TEXT, wait=True)
    for number in range(60):
        writer.write("/text", number, _text(number))
    whole = (writer.finish(FACTS) / "bag.mcap").read_bytes()
    for cut in np.random.default_rng(0).integers(0, len(whole), 25).tolist():
        torn = tmp_path / f"cut_{cut}"
        torn.mkdir()
        (torn / "bag.mcap").write_bytes(whole[:cut])
        try:
            repair(torn)
        except DataError as error:
            assert str(torn) in str(error) and cut < 200
            continue
        numbers = _numbers(torn)
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= 26 * (cut // 1_100_000)


FULL_DISK = """
import resource, sys
from pathlib import Path
from test_recording import FACTS, TEXT, _text
from segue_core.errors import DataError
from segue_data.episode_writer import EpisodeWriter
events = []
writer = EpisodeWriter(Path(sys.argv[1]), TEXT, wait=True, on_failure=events.append)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_500_000, resource.RLIM_INFINITY))
for number in range(200):
    writer.write("/text", number, _text(number))
try:
    writer.finish(FACTS)
except DataError as error:
    print(len(events), int(error.code))
"""


def test_a_full_disk_ends_recording_with_one_event_and_a_bag_that_opens(tmp_path: Path) -> None:
    ran = _run(FULL_DISK, str(tmp_path / "bag"))
    assert ran.stdout.split() == ["1", str(int(ErrorCode.DATA_DISK))], ran.stderr
    numbers = _numbers(tmp_path / "bag")
    assert numbers == list(range(len(numbers))) and len(numbers) > 70
    facts = manifest.load(tmp_path / "bag")
    assert not facts.complete and facts.dropped["/text"] > 0
