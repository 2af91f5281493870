"""Laws of replays: the way to the episode, then the episode itself, command by command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import DataError
from segue_data.bags.recorded import executed_commands
from segue_data.recording.replay_report import compare
from segue_data.recording.stage import Demonstration
from segue_data.teleop.playback import APPROACH_M_S, Playback


def _actions(count: int) -> list[np.ndarray]:
    return [np.concatenate([[0.5 + 0.001 * k, 0.2, 0.3], np.zeros(11)]) for k in range(count)]


def test_a_replay_goes_to_the_first_pose_slowly_and_then_plays_every_command_once(robot: RobotConfig) -> None:
    playback, actions = Playback(robot, _actions(20)), _actions(20)
    measured = actions[0] - np.concatenate([[0.05, 0.0, 0.0], np.zeros(11)])
    largest, ticks = 0.0, 0
    while not playback.aligned:
        command = playback.tick(measured)
        largest = max(largest, float(np.linalg.norm((command - measured)[:3])))
        measured, ticks = command, ticks + 1
    assert largest <= APPROACH_M_S / robot.tick_rate_hz + 1e-9 and ticks > 5
    played = [playback.tick(measured) for _ in range(20)]
    np.testing.assert_array_equal(played, actions)
    assert playback.done
    np.testing.assert_array_equal(playback.tick(measured), actions[-1])


def test_a_replay_waits_until_the_robot_is_where_the_episode_begins(robot: RobotConfig) -> None:
    playback, measured = Playback(robot, _actions(5)), _actions(1)[0] - 0.2
    for _ in range(200):
        playback.tick(measured)  # the robot does not move
    assert not playback.aligned and not playback.done


def test_an_episode_compared_with_itself_has_no_difference(
    recorded: tuple[Path, Demonstration], robot: RobotConfig
) -> None:
    report = compare(recorded[0], recorded[0], robot)
    assert report.largest_rad == 0.0 and report.recorded_outcome == report.replayed_outcome == "success"


def test_commands_of_another_action_space_are_refused(
    recorded: tuple[Path, Demonstration], robot: RobotConfig
) -> None:
    assert len(executed_commands(recorded[0], robot)) == 14
    other = robot.model_copy(update={"action_space_name": "dual_arm_joints_7"})
    with pytest.raises(DataError, match="dual_arm_joints_7"):
        executed_commands(recorded[0], other)


def test_a_recording_that_is_not_there_is_not_advised_to_be_mended(
    tmp_path: Path, robot: RobotConfig
) -> None:
    with pytest.raises(DataError, match="nowhere: there is no such recording") as refused:
        executed_commands(tmp_path / "nowhere", robot)
    assert "repair" not in refused.value.next_step
