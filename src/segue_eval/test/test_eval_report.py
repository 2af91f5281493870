"""Laws of the report: it says what the episode said, needs nothing else, and browsers can play it."""

import json
import os
import re
import shutil
from copy import copy
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from segue_core.action_space import action_space
from segue_core.errors import DataError, SegueError
from segue_data.bags.definitions import typestore
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.manifest import Manifest
from segue_data.bags.reader import read
from segue_data.bags.topic import Topic
from segue_data.bags.topics import PAUSED
from segue_eval.compare.settings import find_settings
from segue_eval.report import write_run_report
from segue_eval.report.bag import COMMAND, POLICY_INFO, _chunks, _Messages, _space, read_run
from segue_eval.report.metrics import run_metrics
from segue_eval.result import EpisodeResult

Recorded = tuple[Path, EpisodeResult]
JITTER = [f"tick_jitter_{name}_ms" for name in ("median", "p99", "max")]


def test_a_report_says_what_the_episode_said(recorded: Recorded) -> None:
    folder, result = recorded
    metrics = run_metrics(read_run(folder / "bag"))
    for name in ("success", "rule", "reason", "ticks"):
        assert metrics[name] == getattr(result, name)
    assert metrics["chunks"] == len(result.seams)
    assert metrics["overlap_motion_mean"] == pytest.approx(result.overlap_motion)
    assert metrics["seam_jump_mean"] == pytest.approx(result.seam_jump)
    assert result.seam_jump == pytest.approx(np.mean([seam.jump for seam in result.seams[1:]]))
    assert metrics["nsparc"] == pytest.approx(result.smooth.nsparc)
    assert metrics["nldlj"] == pytest.approx(result.smooth.nldlj)


def test_commands_chunks_and_guidance_come_back_from_the_bag_unchanged(recorded: Recorded) -> None:
    folder, result = recorded
    run = read_run(folder / "bag")
    assert np.array_equal(run.commands, result.actions)
    assert [chunk.tick for chunk in run.chunks] == [seam.tick for seam in result.seams]
    assert run.chunks[1].omega[:8].tolist() == [1.0] * 8
    assert run.chunks[0].overlap_motion is None


def test_the_age_of_every_action_counts_from_its_chunks_observation(recorded: Recorded) -> None:
    folder, result = recorded
    run = read_run(folder / "bag")
    taken_over = [seam.tick for seam in result.seams]
    assert (run.action_age[: taken_over[0]] == -1).all()
    for chunk, end in zip(run.chunks, [*taken_over[1:], len(run.ticks)], strict=True):
        executed = run.action_age[chunk.tick : end]
        assert executed[0] == chunk.delay
        assert set(np.diff(executed[executed >= 0]).tolist()) <= {1}


def test_jitter_is_that_of_the_wall_clock_whatever_time_a_bag_is_logged_in(
    recorded: Recorded, tmp_path: Path
) -> None:
    """Simulated time, with wall times of receipt beside it; or wall time, as all live bags were before."""
    folder, _ = recorded
    records = list(read(folder / "bag"))
    topics = {record.topic: Topic(record.type_name) for record in records}
    lockstep = run_metrics(read_run(folder / "bag"))
    assert lockstep["tick_jitter_max_ms"] == pytest.approx(0.0, abs=1e-3)
    expected = {**lockstep, **dict.fromkeys(JITTER, pytest.approx(1e3 / 30, abs=1e-2))}
    for name in ("simulated", "wall"):
        writer = EpisodeWriter(tmp_path / name, topics, wait=True)
        for record in records:
            wall_ns = 1_700_000_000 * 10**9 + 2 * record.log_ns  # at half of real time
            log_ns = record.log_ns if name == "simulated" else wall_ns
            writer.write(record.topic, log_ns, record.data, wall_ns)
        bag = writer.finish(Manifest(task="pick_place", robot="dual_arm"))
        assert run_metrics(read_run(bag)) == expected


def test_a_pause_is_no_jitter(recorded: Recorded, tmp_path: Path) -> None:
    folder, _ = recorded
    records = list(read(folder / "bag"))
    topics = {record.topic: Topic(record.type_name) for record in records}
    writer = EpisodeWriter(tmp_path / "paused", {**topics, PAUSED: Topic("std_msgs/msg/Bool")}, wait=True)
    wall_ns, minute_ns = 1_700_000_000 * 10**9, 60 * 10**9
    middle = records[len(records) // 2].log_ns

    def say(paused: bool, log_ns: int, at_ns: int) -> None:
        message = typestore().types["std_msgs/msg/Bool"](paused)
        data = bytes(typestore().serialize_cdr(message, "std_msgs/msg/Bool"))
        writer.write(PAUSED, log_ns, data, wall_ns + at_ns)

    say(False, records[0].log_ns, records[0].log_ns)
    say(True, middle, middle)
    say(False, middle, middle + minute_ns)
    for record in records:
        late_ns = minute_ns * (record.log_ns > middle)
        writer.write(record.topic, record.log_ns, record.data, wall_ns + record.log_ns + late_ns)
    bag = writer.finish(Manifest(task="pick_place", robot="dual_arm"))
    assert run_metrics(read_run(bag)) == run_metrics(read_run(folder / "bag"))


def test_seconds_are_counted_at_the_rate_of_the_recorded_policy() -> None:
    """A run of a robot with 10 Hz was reported as three times as short as it was."""
    messages = _Messages()
    messages.add(COMMAND, SimpleNamespace(tick=0, action_space="single_arm_ee"))
    assert _space(messages).rate_hz == 30.0  # bags without a policy, all from before other rates
    messages.add(POLICY_INFO, SimpleNamespace(rate_hz=10.0))
    assert (_space(messages).name, _space(messages).rate_hz) == ("single_arm_ee", 10.0)


def test_the_first_chunk_after_a_person_had_the_robot_has_no_predecessor() -> None:
    """Its step from where the person left the arm was counted as a seam."""
    space = action_space("single_arm_joints_7")
    actions = np.zeros((3, space.dim))
    actions[1:, 0] = 0.25
    chunk = SimpleNamespace(
        sequence=0, actions=actions, omega=[0.0], horizon=3, dim=space.dim, inference_s=0.1
    )
    seam = SimpleNamespace(spliced=True, chunk_sequence=0, dropped_rows=0, delay_ticks=0, phase="running")
    seam.jump = 0.5
    paused = SimpleNamespace(spliced=False, phase="paused")
    states = [copy(state) for state in (seam, seam, paused, paused, seam, seam)]
    for tick, state in enumerate(states):
        state.tick = tick
    found = _chunks(space, states, {0: chunk}, {0: [(0, 1)]}, 0)
    assert [c.jump for c in found] == [None, 0.5, None, 0.5]
    half = pytest.approx(0.25 / np.sqrt(2))  # row 1 against row 0 differs, row 2 against row 1 does not
    assert [c.overlap_motion for c in found] == [None, half, None, half]


def test_the_page_needs_no_other_file_and_no_network(brief: Recorded, tmp_path: Path) -> None:
    shutil.copytree(brief[0] / "bag", tmp_path / "bag")
    (tmp_path / "config.yaml").write_text("policy: </script><b>bold\n")
    (tmp_path / "result.json").write_text(json.dumps({"task": "pick_place", "arguments": {"seed": 5}}))
    metrics = write_run_report(tmp_path)
    text = (tmp_path / "report.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]{0,20})', text)
    assert sources and all(source.startswith("data:") for source in sources)
    assert "<b>bold" not in text and "seed 5" in text
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics


def test_the_video_plays_in_browsers_and_lasts_as_long_as_the_run(recorded: Recorded, tmp_path: Path) -> None:
    shutil.copytree(recorded[0] / "bag", tmp_path / "bag")
    write_run_report(tmp_path)
    with av.open(str(tmp_path / "episode.mp4")) as film:
        stream = film.streams.video[0]
        frames = sum(1 for _ in film.decode(stream))
        assert (stream.codec_context.name, stream.codec_context.pix_fmt, stream.average_rate) == (
            "h264",
            "yuv420p",
            30,
        )
    assert abs(frames - recorded[1].ticks) <= 1


def test_an_end_that_only_the_result_knows_of_is_the_one_reported(brief: Recorded, tmp_path: Path) -> None:
    shutil.copytree(brief[0] / "bag", tmp_path / "bag")
    (tmp_path / "result.json").write_text(
        json.dumps({"success": False, "rule": "safety", "reason": "stopped by hand"})
    )
    assert write_run_report(tmp_path)["rule"] == "safety"
    assert "stopped by hand" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("[]", "valid dictionary"),
        ("null", "valid dictionary"),
        ('{"seed": -1}', "seed: got -1"),
        ('{"seed": 1e999}', "seed: got inf"),
        ('{"success": "yes"}', "success: got 'yes'"),
        ('{"reason": [1]}', r"reason: got \[1\]"),
        ('{"error_code": 70000}', "error_code: got 70000"),
        ('{"score": "high"}', "score"),
        ('{"arguments": 5}', "arguments: got 5"),
    ],
)
def test_a_result_that_no_run_leaves_is_refused_by_report_and_comparison_alike(
    told: str, named: str, recorded: Recorded, tmp_path: Path
) -> None:
    """A list was taken for no result at all, and a seed of -1 ended `segue compare` with a defect."""
    shutil.copytree(recorded[0] / "bag", tmp_path / "bag")
    (tmp_path / "config.yaml").write_text("{}")
    (tmp_path / "result.json").write_text(told)
    for reader in (write_run_report, find_settings):
        with pytest.raises(DataError, match=named) as caught:
            reader(tmp_path)
        assert str(tmp_path / "result.json") in caught.value.text
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("name", ["result.json", "config.yaml"])
def test_what_is_no_file_is_not_taken_for_a_file_that_is_missing(
    name: str, recorded: Recorded, tmp_path: Path
) -> None:
    shutil.copytree(recorded[0] / "bag", tmp_path / "bag")
    (tmp_path / "config.yaml").write_text("{}")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    for reader in (write_run_report, find_settings):
        with pytest.raises(SegueError, match=f"{name}.* is a pipe"):
            reader(tmp_path)


def test_a_folder_without_a_finished_bag_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=tmp_path.name):
        write_run_report(tmp_path)


def test_a_truncated_bag_is_refused_and_named(recorded: Recorded, tmp_path: Path) -> None:
    shutil.copytree(recorded[0] / "bag", tmp_path / "bag")
    file = next((tmp_path / "bag").glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(DataError, match="bag"):
        write_run_report(tmp_path)


def test_a_simulated_runs_video_shows_the_robot_from_beside_it(recorded: Recorded, tmp_path: Path) -> None:
    """One never saw the robot: only what its own cameras see."""
    shutil.copytree(recorded[0] / "bag", tmp_path / "bag")
    shares: list[float] = []
    write_run_report(tmp_path, shares.append)
    with av.open(str(tmp_path / "episode.mp4")) as film:
        stream = film.streams.video[0]
        assert stream.height >= 480 and stream.width >= 854
        picture = next(film.decode(stream)).to_ndarray(format="rgb24")
    assert picture[100:400, 200:600].std() > 5.0
    assert shares == sorted(shares) and 0.9 < shares[-1] <= 1.0
