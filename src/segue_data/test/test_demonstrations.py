"""Laws of recording with the real simulator, expert and controller."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.errors import DataError, ErrorCode
from segue_data.bags.manifest import load
from segue_data.checks.bag import check_bag
from segue_data.recording.demonstrations import (
    FAILURES,
    episode_folder,
    failed_before,
    record_demonstrations,
)
from segue_data.recording.lockstep import RecordingOptions
from segue_data.storage.folder_lock import FolderLock
from segue_sim.disturbance import DisturbanceConfig

pytest.importorskip("mujoco", reason="needs the simulator")


def test_a_demonstration_passes_every_check_and_is_not_recorded_twice(
    robot: RobotConfig, task: TaskConfig, tmp_path: Path
) -> None:
    first = record_demonstrations(robot, task, [3], tmp_path, workers=1, bar=False)
    again = record_demonstrations(robot, task, [3], tmp_path, workers=1, bar=False)
    assert (first.recorded, first.failed, again.recorded, again.skipped) == ((3,), (), (), (3,))
    findings = check_bag(episode_folder(tmp_path, 3), robot)
    assert findings.ok, findings.problems


def test_a_recording_says_what_its_seeds_changed(
    robot: RobotConfig, task: TaskConfig, tmp_path: Path
) -> None:
    spread = task.randomised({"spread": 0.5})
    record_demonstrations(robot, spread, [3], tmp_path, workers=1, bar=False)
    said = load(episode_folder(tmp_path, 3)).extra["randomisation"]
    assert said == {"spread": 0.5} | task.randomisation.model_dump(exclude_defaults=True, mode="json")


def test_demonstrations_of_something_else_are_not_taken_for_those_that_were_there(
    robot: RobotConfig, task: TaskConfig, tmp_path: Path
) -> None:
    """`data record --task drawer --out demos`, where demos had pick_place, said "0 recorded, 10 were there"."""
    record_demonstrations(robot, task, [3], tmp_path, workers=1, bar=False)
    others = (task.model_copy(update={"name": "drawer"}), task.randomised({"spread": 0.5}))
    for other, named in zip(others, ("another task", "another randomisation"), strict=True):
        with pytest.raises(DataError, match=named):
            record_demonstrations(robot, other, [3, 4], tmp_path, workers=1, bar=False)
    noisy = RecordingOptions(disturbance=DisturbanceConfig())
    with pytest.raises(DataError, match="another disturbance"):
        record_demonstrations(robot, task, [3], tmp_path, workers=1, options=noisy, bar=False)
    assert not episode_folder(tmp_path, 4).exists()


def test_a_seed_that_failed_is_reported_and_not_tried_again(
    robot: RobotConfig, task: TaskConfig, tmp_path: Path
) -> None:
    hopeless = task.model_copy(update={"time_limit_s": 0.2})
    first = record_demonstrations(robot, hopeless, [3], tmp_path, workers=1, bar=False)
    again = record_demonstrations(robot, hopeless, [3], tmp_path, workers=1, bar=False)
    assert first == again
    assert (first.recorded, first.failed) == ((), (3,))
    assert (tmp_path / FAILURES).read_text().count("\n") == 1
    assert not episode_folder(tmp_path, 3).exists()


def test_a_torn_last_line_of_the_failures_costs_that_seed_only(tmp_path: Path) -> None:
    """A recorder that was killed there could not go on before somebody deleted the file."""
    file = tmp_path / FAILURES
    file.write_text('{"seed": 3, "reason": "time"}\n{"seed": 4, "rea')
    assert failed_before(tmp_path) == {3}
    assert file.read_text() == '{"seed": 3, "reason": "time"}\n'
    file.write_text('{"seed": true}\n')
    with pytest.raises(DataError, match=r"line 1: got \{'seed': True\}, expected a seed"):
        failed_before(tmp_path)


def test_two_recordings_into_one_folder_are_refused(
    robot: RobotConfig, task: TaskConfig, tmp_path: Path
) -> None:
    other = FolderLock(tmp_path)
    with pytest.raises(DataError, match="another process is recording into it") as caught:
        record_demonstrations(robot, task, [3], tmp_path, workers=1, bar=False)
    assert caught.value.code == ErrorCode.DATA_RECORDING_ACTIVE
    assert not list(tmp_path.iterdir())
    other.release()
    hopeless = task.model_copy(update={"time_limit_s": 0.2})
    assert record_demonstrations(robot, hopeless, [3], tmp_path, workers=1, bar=False).failed == (3,)
