"""Laws of recording: what goes in comes out, a crash loses at most a chunk, a full disk ends in an event."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import segue_data
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.errors import DataError, ErrorCode
from segue_data.bags import manifest
from segue_data.bags.definitions import definitions_folder
from segue_data.bags.encoding import decode
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.manifest import RECORDING, Manifest
from segue_data.bags.reader import read, stamp_ns
from segue_data.bags.repair import repair
from segue_data.bags.repair_all import UNREADABLE, repair_open_episodes
from segue_data.bags.topics import COMMAND, JOINT_STATES, image_topic
from segue_data.recording.lockstep import RecordingOptions, record_episode
from segue_data.recording.stage import Demonstration
from segue_data.storage.atomic import write_text
from segue_data.testing import TEXT_TOPICS, TICKS, text_message, tiny_stage
from segue_sim.disturbance import DisturbanceConfig

FACTS = Manifest(task="none", robot="none")


def _numbers(bag: Path) -> list[int]:
    return [int(record.message().data[:6]) for record in read(bag)]


def test_every_command_of_the_expert_is_in_the_bag_at_its_tick(recorded: tuple[Path, Demonstration]) -> None:
    bag, stage = recorded
    messages = [record.message() for record in read(bag, frozenset({COMMAND}))]
    assert len(messages) == TICKS + 2
    assert [message.tick for message in messages] == list(range(TICKS + 2))
    assert [stamp_ns(m.header) for m in messages] == [round(k / 30 * 1e9) for k in range(TICKS + 2)]
    said = stage.expert.said  # type: ignore[attr-defined]
    np.testing.assert_array_equal([m.action for m in messages], said)


def test_pictures_survive_recording_almost_unchanged(recorded: tuple[Path, Demonstration]) -> None:
    bag, stage = recorded
    messages = [record.message() for record in read(bag, frozenset({image_topic("head")}))]
    for message, frames in zip(messages, stage.world.frames, strict=True):  # type: ignore[attr-defined]
        error = decode(message.data, "bag", "frame").astype(int) - frames["head"]
        assert np.abs(error).mean() < 2.0


def test_four_joint_states_come_with_every_tick(recorded: tuple[Path, Demonstration]) -> None:
    stamps = [stamp_ns(record.message().header) for record in read(recorded[0], frozenset({JOINT_STATES}))]
    assert stamps == [round(k / 120 * 1e9) for k in range(4 * (TICKS + 2) + 1)]


def test_a_manifest_tells_what_was_recorded(recorded: tuple[Path, Demonstration]) -> None:
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


def test_an_existing_bag_is_never_overwritten(recorded: tuple[Path, Demonstration]) -> None:
    with pytest.raises(DataError, match="not overwritten") as caught:
        EpisodeWriter(recorded[0], TEXT_TOPICS)
    assert caught.value.code == ErrorCode.DATA_PATH_REFUSED


def test_a_full_queue_drops_and_counts_but_never_blocks(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path / "bag", TEXT_TOPICS, budget_bytes=50_000)
    accepted = [writer.write("/text", number, text_message(number)) for number in range(300)]
    writer.finish(FACTS)
    facts = manifest.load(tmp_path / "bag")
    assert facts.message_counts["/text"] == sum(accepted)
    assert facts.dropped.get("/text", 0) == accepted.count(False)
    assert len(_numbers(tmp_path / "bag")) == sum(accepted)


def test_lockstep_recording_waits_and_loses_nothing(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path / "bag", TEXT_TOPICS, budget_bytes=50_000, wait=True)
    assert all(writer.write("/text", number, text_message(number)) for number in range(100))
    writer.finish(FACTS)
    assert _numbers(tmp_path / "bag") == list(range(100))


KILLED = """
import sys, os, signal
from pathlib import Path
from segue_data.testing import TEXT_TOPICS, text_message
from segue_data.bags.manifest import Manifest
from segue_data.bags.episode_writer import EpisodeWriter
writer = EpisodeWriter(Path(sys.argv[1]), TEXT_TOPICS, wait=True)
for number in range(200):
    writer.write("/text", number, text_message(number))
while writer.counts["/text"] < 150:
    pass
os.kill(os.getpid(), signal.SIGKILL)
"""


def _run(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)


def test_a_killed_recorder_loses_at_most_its_last_chunk_and_repair_is_idempotent(tmp_path: Path) -> None:
    killed = _run(KILLED, str(tmp_path / "bag"))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with pytest.raises(DataError, match="not a finished bag"):
        list(read(tmp_path / RECORDING / "bag"))
    ((report,), failures) = repair_open_episodes(tmp_path)
    assert not failures
    assert report.changed and report.bag == tmp_path / "bag"
    numbers = _numbers(report.bag)
    assert numbers == list(range(len(numbers))) and len(numbers) >= 125
    before = {path.name: path.read_bytes() for path in report.bag.iterdir()}
    assert not repair(report.bag).changed
    assert before == {path.name: path.read_bytes() for path in report.bag.iterdir()}
    assert not manifest.load(report.bag).complete


KILLED_EARLY = (
    KILLED.replace("range(200)", "range(40)")
    .replace(
        '"/text", number, text_message(number)', '"/text", 10_000_000 * number, text_message(number, 100)'
    )
    .replace("< 150", "< 40")
)


def test_a_recorder_killed_at_an_episodes_beginning_keeps_all_but_the_last_quarter_of_a_second(
    tmp_path: Path,
) -> None:
    """Of the first second nothing was kept: a chunk was written when it had a megabyte."""
    killed = _run(KILLED_EARLY, str(tmp_path / "bag"))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    ((report,), failures) = repair_open_episodes(tmp_path)
    assert not failures
    numbers = _numbers(report.bag)
    assert numbers == list(range(len(numbers))) and len(numbers) >= 40 - 25


ENDLESS = """
import sys
from pathlib import Path
from segue_data.testing import TEXT_TOPICS, text_message
from segue_data.bags.manifest import Manifest
from segue_data.bags.episode_writer import EpisodeWriter
facts, root = Manifest(task="stack", robot="r", operator="Ada"), Path(sys.argv[1])
for episode in range(10_000):
    writer = EpisodeWriter(root / f"episode_{episode:06d}", TEXT_TOPICS, wait=True, facts=facts)
    for number in range(100):
        writer.write("/text", number, text_message(number))
    writer.finish(facts)
    print(episode, flush=True)
"""


def test_a_recorder_killed_at_any_moment_keeps_every_closed_episode_and_the_open_one_is_marked(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(7)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for attempt in range(3):
        root = tmp_path / str(attempt)
        command = [sys.executable, "-c", ENDLESS, str(root)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        closed = [int(process.stdout.readline()) for _ in range(int(rng.integers(1, 4)))]
        time.sleep(float(rng.uniform(0.0, 0.05)))  # somewhere in the next episode
        process.kill()
        closed += [int(line) for line in process.stdout.read().split()]
        process.wait()
        _, failures = repair_open_episodes(root)
        assert not (root / RECORDING).exists()
        for episode in closed:
            assert _numbers(root / f"episode_{episode:06d}") == list(range(100))
            assert manifest.load(root / f"episode_{episode:06d}").complete
        bags = set(root.glob("episode_*"))
        of_no_message = {bag for bag in bags if bag.name.endswith(UNREADABLE)}
        assert len(of_no_message) == len(failures) <= 1
        for bag in bags - of_no_message:
            numbers, facts = _numbers(bag), manifest.load(bag)
            assert numbers == list(range(len(numbers)))
            assert facts.complete or (facts.task, facts.operator, facts.outcome) == (
                "stack",
                "Ada",
                "unknown",
            )


def test_a_bag_cut_at_any_byte_is_repaired_or_refused(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path / "bag", TEXT_TOPICS, wait=True)
    for number in range(60):
        writer.write("/text", number, text_message(number))
    whole = (writer.finish(FACTS) / "bag.mcap").read_bytes()
    for cut in np.random.default_rng(0).integers(0, len(whole), 25).tolist():
        torn = tmp_path / f"cut_{cut}"
        torn.mkdir()
        (torn / "bag.mcap").write_bytes(whole[:cut])
        if cut < 45_000:  # not one message is whole
            with pytest.raises(DataError, match=str(torn)):
                repair(torn)
            assert (torn / "bag.mcap").read_bytes() == whole[:cut]
            continue
        repair(torn)
        numbers = _numbers(torn)
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= cut // 42_000 - 1  # up to the message that was cut
        assert (torn / "bag.mcap.damaged").read_bytes() == whole[:cut]


WHERE = """
import sys
sys.path.insert(0, sys.argv[1])
from segue_data.bags.definitions import definitions_folder
print(definitions_folder())
"""


def test_message_definitions_are_found_in_an_installed_workspace(tmp_path: Path) -> None:
    packages = tmp_path / "segue_data" / "lib" / "python3" / "site-packages"
    shutil.copytree(Path(segue_data.__path__[0]), packages / "segue_data")
    share = tmp_path / "segue_interfaces" / "share" / "segue_interfaces" / "msg"
    shutil.copytree(definitions_folder(), share)
    ran = _run(WHERE, str(packages), AMENT_PREFIX_PATH="")
    assert ran.stdout.strip() == str(share), ran.stderr


FULL_DISK = """
import resource, sys
from pathlib import Path
from segue_data.testing import TEXT_TOPICS, text_message
from segue_data.bags.manifest import Manifest
from segue_core.errors import DataError
from segue_data.bags.episode_writer import EpisodeWriter
events = []
writer = EpisodeWriter(Path(sys.argv[1]), TEXT_TOPICS, wait=True, on_failure=events.append)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_500_000, resource.RLIM_INFINITY))
for number in range(200):
    writer.write("/text", number, text_message(number))
try:
    writer.finish(Manifest(task="none", robot="none"))
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


def test_a_disk_that_is_full_for_everybody_leaves_a_bag_that_opens_and_its_manifest(tmp_path: Path) -> None:
    """Real, on a file system of 12 MB of its own; the room that the recorder keeps is what closes the bag."""
    script = FULL_DISK.replace(
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3_500_000, resource.RLIM_INFINITY))", ""
    )
    script = script.replace("range(200)", "range(600)")
    script += (
        "from segue_data.bags import manifest\nfrom segue_data.bags.reader import read\n"
        "bag = Path(sys.argv[1])\nfacts = manifest.load(bag)\n"
        "print(len(list(read(bag))), facts.complete, facts.dropped['/text'], *sorted(p.name for p in bag.iterdir()))\n"
    )
    within = (
        f"mount -t tmpfs -o size=12m tmpfs {tmp_path} && exec '{sys.executable}' -c \"$1\" {tmp_path}/bag"
    )
    if subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("a file system of one's own needs user namespaces")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = ["unshare", "-Urm", "sh", "-c", within, "sh", script]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    ended, held = ran.stdout.splitlines()
    assert ended.split() == ["1", str(int(ErrorCode.DATA_DISK))], ran.stderr
    count, complete, dropped, *names = held.split()
    assert int(count) > 200 and complete == "False" and int(dropped) == 600 - int(count)
    assert names == ["bag.mcap", "manifest.json", "metadata.yaml"]


def test_a_text_is_on_the_disk_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_text(path, "before")
    script = (
        "import resource, sys; from pathlib import Path; from segue_data.storage.atomic import write_text\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))\n"
        "try:\n    write_text(Path(sys.argv[1]), 'x' * 99)\nexcept OSError as error:\n    print(error.filename)\n"
    )
    assert _run(script, str(path)).stdout == f"{path}\n"
    assert path.read_text() == "before" and [file.name for file in tmp_path.iterdir()] == ["result.json"]
    write_text(Path("/dev/stderr"), "")
    assert not Path("/dev/stderr").is_file() or Path("/dev/stderr").is_symlink()
