"""Laws of `data check`, `info` and the command line."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from foreign_sets import frames_of, write_foreign

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import DataError
from segue_core.exit_status import ExitStatus
from segue_data import signals
from segue_data.bags import messages
from segue_data.bags.encoding import ImageCodec
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.manifest import Manifest
from segue_data.bags.topics import COMMAND, JOINT_STATES, demonstration_topics, image_topic
from segue_data.checks.bag import check_bag
from segue_data.checks.check import check, info
from segue_data.checks.dataset import check_dataset
from segue_data.cli import main
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.adopt import adopt
from segue_data.datasets.bags_to_dataset import convert
from segue_data.datasets.dataset import load
from segue_data.datasets.episodes import data_files
from segue_data.recording.stage import Demonstration
from segue_data.testing import TinyWorld


def _bag(folder: Path, robot: RobotConfig, fault: str) -> Path:
    """Forty moving ticks with one fault."""
    world = TinyWorld(robot)
    writer = EpisodeWriter(folder, demonstration_topics(robot.cameras), wait=True)
    names = (*robot.joint_names, *robot.gripper_names)
    codec, frozen = ImageCodec(), world.render()["head"]
    for tick in range(40):
        stamp = round(tick / 30 * 1e9)
        position = np.concatenate([world.joint_positions() + 0.01 * tick, [1.0, 1.0]])
        action = np.full(14, 0.2)
        action[0] += {"jump": 0.3 * (tick > 20), "limit": 2.0 * (tick > 20)}.get(fault, 0.0)
        action[3] = np.inf if fault == "finite" and tick == 9 else 0.0
        writer.write_message(
            COMMAND, stamp, messages.robot_command(stamp, tick, action, robot.action_space, "x")
        )
        writer.write_message(JOINT_STATES, stamp, messages.joint_state(stamp, names, position, position))
        for camera, image in world.render().items():
            if fault == "gap" and camera == "head" and 10 < tick < 20:
                continue
            shown = frozen if fault == "frozen" and camera == "head" else image
            message = messages.compressed_image(stamp, camera, codec.encode(shown), codec.label)
            writer.write_message(image_topic(camera), stamp, message)
    return writer.finish(
        Manifest(task="t", robot=robot.name, config_hash=robot.fingerprint(), outcome="success")
    )


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("", ""),
        ("jump", "left_position_0|left_position jumps"),
        ("limit", "outside its limits"),
        ("finite", "entry 3 is inf"),
        ("gap", "gap of"),
        ("frozen", "frozen from frame"),
    ],
)
def test_every_fault_of_a_bag_is_found_and_named(
    fault: str, says: str, robot: RobotConfig, tmp_path: Path
) -> None:
    findings = check_bag(_bag(tmp_path / "bag", robot, fault), robot)
    texts = [f"{problem.place}: {problem.what}" for problem in findings.problems]
    assert findings.ok == (not fault), texts
    assert not fault or any(word in text for text in texts for word in says.split("|"))


def test_a_dataset_with_a_damaged_file_is_reported_and_not_raised(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    convert([recorded[0]], tmp_path / "dataset", robot, workers=1, bar=False)
    before = check_dataset(tmp_path / "dataset")
    assert [p.place for p in before.problems if "jumps" not in p.what] == []
    file, tasks = data_files(tmp_path / "dataset")[0], tmp_path / "dataset" / layout.TASKS
    whole = file.read_bytes()
    file.write_bytes(whole[:-2000])
    assert "parquet" in _only_problem(tmp_path / "dataset")
    at = whole.rindex(b"\x89PNG") + 3000  # in a picture, whose decoder would not mind
    file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    assert "CRC" in _only_problem(tmp_path / "dataset")
    file.write_bytes(whole)
    tasks.unlink()
    assert "tasks.parquet" in _only_problem(tmp_path / "dataset")


def _only_problem(dataset: Path) -> str:
    (problem,) = (p for p in check_dataset(dataset).problems if "jumps" not in p.what)
    return problem.what


def test_exit_status_and_json_agree(recorded: tuple[Path, Demonstration], tmp_path: Path) -> None:
    assert main(["check", str(recorded[0]), "--json", str(tmp_path / "good.json")]) == 0
    broken = tmp_path / "broken"
    shutil.copytree(recorded[0], broken)
    next(broken.glob("*.mcap")).write_bytes(b"\x89MCAP0\r\n")
    assert main(["check", str(broken), "--json", str(tmp_path / "bad.json")]) == 1
    assert json.loads((tmp_path / "good.json").read_text())["ok"] is True
    assert json.loads((tmp_path / "bad.json").read_text())["ok"] is False
    assert main(["info", str(recorded[0]), "--json", str(tmp_path / "info.json")]) == 0
    assert json.loads((tmp_path / "info.json").read_text())["outcomes"] == {"success": 1}


def test_info_counts_the_messages_of_all_bags(recorded: tuple[Path, Demonstration], tmp_path: Path) -> None:
    for name in ("episode_000007", "episode_000008"):
        shutil.copytree(recorded[0], tmp_path / name)
    one, both = info(recorded[0])["messages"], info(tmp_path)["messages"]
    assert one[COMMAND] > 0 and both == {topic: 2 * number for topic, number in one.items()}


def test_info_counts_a_foreign_bag_whose_manifest_says_only_robot_and_task(
    recorded: tuple[Path, Demonstration], tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    shutil.copytree(recorded[0], foreign)
    (foreign / "manifest.json").write_text('{"robot": "dual_arm", "task": "pick_place"}')
    ours, theirs = info(recorded[0]), info(foreign)
    assert theirs["messages"] == ours["messages"]
    assert theirs["duration_s"] == pytest.approx(ours["duration_s"], abs=0.1) and theirs["duration_s"] > 0


def test_unknown_places_and_names_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tmp_path / "nowhere")]) == ExitStatus.DATA
    assert main(["convert", str(tmp_path), str(tmp_path / "out"), "--robot", "dual_arms"]) == ExitStatus.USAGE
    said = capsys.readouterr().err
    assert "nowhere" in said and "dual_arm" in said


_OURS = {
    "format": 2,
    "robot_contract": ["a"],
    "action_space.name": {},
    "action_space.rate_hz": "30",
    "episodes.0.bag": "../../x",
    "episodes.0.seed": "\x1b[31m",
    "episodes.0.task": ["push"],
}


@pytest.mark.parametrize("place", _OURS)
def test_what_is_said_of_a_dataset_beside_its_frames_is_of_its_kind(
    place: str, robot: RobotConfig, tmp_path: Path
) -> None:
    """A later format, and names that were mappings, were taken."""
    dataset = write_foreign(tmp_path / "ds", robot, frames_of(robot))
    adopt(dataset, robot)
    assert check_dataset(dataset).ok
    data = json.loads((dataset / layout.OURS).read_text())
    *parents, name = place.split(".")
    inner = data
    for parent in parents:
        inner = inner[int(parent) if parent.isdigit() else parent]
    inner[name] = _OURS[place]
    (dataset / layout.OURS).write_text(json.dumps(data))
    (problem,) = check_dataset(dataset).problems
    assert name in problem.what and layout.OURS in problem.what


@pytest.mark.parametrize(
    ("column", "of", "said"),
    [
        (layout.STATE, lambda row: [1e30, *row[1:]], "is 1.0000000150474662e+30, expected at most 1e+06"),
        (layout.ACTION, lambda row: [-2e6, *row[1:]], "is -2000000.0, expected at most 1e+06"),
        ("task_index", lambda _: -1, "task_index is -1, meta/tasks.parquet has 0, 1"),
    ],
)
def test_numbers_that_no_robot_has_and_tasks_that_are_not_there_are_refused(
    column: str, of: Callable[[Any], Any], said: str, robot: RobotConfig, tmp_path: Path
) -> None:
    """Policies were trained on states of 1e30."""
    dataset = write_foreign(tmp_path / "ds", robot, frames_of(robot))
    adopt(dataset, robot)
    (file,) = data_files(dataset)
    table = pq.read_table(file)
    place = table.column_names.index(column)
    rows = pa.array([of(row) for row in table.column(place).to_pylist()], table.schema.field(place).type)
    pq.write_table(table.set_column(place, column, rows), file)
    with pytest.raises(DataError, match=re.escape(said)):
        load(dataset, workers=1, bar=False)
    assert said in " ".join(problem.what for problem in check_dataset(dataset).problems)


def test_what_is_left_of_a_dataset_is_said_to_be_one(robot: RobotConfig, tmp_path: Path) -> None:
    """Without meta/info.json it was a folder without bags."""
    dataset = write_foreign(tmp_path / "ds", robot, frames_of(robot))
    (dataset / layout.INFO).unlink()
    with pytest.raises(DataError, match="info.json: not there"):
        info(dataset)
    (findings,) = check(dataset)
    assert "info.json: not there" in findings.problems[0].what


def test_identical_frames_of_a_still_scene_are_no_fault() -> None:
    assert signals.frozen_runs([1] * 14 + [2]) == []
    assert signals.frozen_runs([0] + [1] * 15 + [2]) == [(1, 15)]
