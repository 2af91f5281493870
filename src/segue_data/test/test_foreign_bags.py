"""Laws of bags that another recorder made, of drivers that are not ours."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import DataError
from segue_core.exit_status import ExitStatus
from segue_data.bags import messages
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.manifest import FILE_NAME, load
from segue_data.bags.reader import read, stamp_ns
from segue_data.bags.topics import COMMAND, JOINT_STATES, demonstration_topics, image_topic
from segue_data.checks.bag import check_bag
from segue_data.cli import main
from segue_data.datasets.bag_to_rows import read_episode
from segue_data.datasets.bags_to_dataset import convert
from segue_data.datasets.writer import ConversionOptions
from segue_data.recording.stage import Demonstration

SIZE = (96, 72)
HEAD = image_topic("head")
Change = Callable[[str, Any], list[Any]]


def _changed(bag: Path, out: Path, robot: RobotConfig, change: Change) -> Path:
    """A copy of the bag with other messages: `change` has topic and message, and says what is written."""
    writer = EpisodeWriter(out, demonstration_topics(robot.cameras), wait=True)
    for record in read(bag):
        for message in change(record.topic, record.message()):
            writer.write_message(record.topic, record.log_ns, message)
    return writer.finish(load(bag))


def _later(message: Any, by_ns: int) -> Any:
    message.header = messages.header(stamp_ns(message.header) + by_ns if by_ns else 0)
    return message


def _arms_and_grippers(message: Any, robot: RobotConfig) -> list[Any]:
    """A joint state as two publishers send it."""
    grippers = np.array([name in robot.gripper_names for name in message.name])
    return [
        messages.joint_state(
            stamp_ns(message.header),
            [n for n, k in zip(message.name, part, strict=True) if k],
            message.position[part],
            message.velocity[part],
        )
        for part in (~grippers, grippers)
    ]


def test_a_refusal_names_what_was_found_and_the_option_that_takes_it_and_the_advised_manifest_is_enough(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    bag = tmp_path / "bag"
    shutil.copytree(recorded[0], bag)
    (bag / FILE_NAME).write_text('{"task": "pick_place", "robot": "dual_arm"}')
    with pytest.raises(DataError, match=r"1 with outcome 'unknown'.*--outcomes unknown --any-contract"):
        convert([bag], tmp_path / "set", robot, bar=False)
    found = check_bag(bag)
    assert found.ok and found.notes == ["convert takes it with --outcomes unknown --any-contract"]
    options = ConversionOptions(outcomes=frozenset({"unknown"}), any_contract=True)
    assert convert([bag], tmp_path / "set", robot, options=options, workers=1, bar=False) == 1
    (bag / FILE_NAME).unlink()
    with pytest.raises(DataError, match=r"--any-contract") as advice:
        load(bag)
    (advised,) = re.findall(r"{.*}", advice.value.text)
    (bag / FILE_NAME).write_text(advised.replace('"robot": "..."', '"robot": "dual_arm"'))
    options = ConversionOptions(any_contract=True)
    assert convert([bag], tmp_path / "again", robot, options=options, workers=1, bar=False) == 1


def test_a_manifest_with_wrong_values_names_all_of_them_and_what_is_allowed(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"task": "t", "robot": "dual_arn", "outcome": "good"}')
    with pytest.raises(
        DataError, match=r"'good', allowed: success, failure.*'dual_arn' has no contract.*dual_arm"
    ):
        load(tmp_path)


def test_a_bag_of_a_robot_without_a_contract_names_all_options_at_once(
    recorded: tuple[Path, Demonstration], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = tmp_path / "bag"
    shutil.copytree(recorded[0], bag)
    (bag / FILE_NAME).write_text('{"task": "t", "robot": "dual_arn", "outcome": "success"}')
    assert main(["check", str(bag)]) == 0 and "--robot NAME --any-contract" in capsys.readouterr().out
    assert main(["convert", str(bag), str(tmp_path / "set")]) == ExitStatus.DATA
    assert re.search("'dual_arn'.*--robot NAME --any-contract.*dual_arm", capsys.readouterr().err)
    named = ["--robot", "dual_arm", "--any-contract", "--workers", "1"]
    assert main(["convert", str(bag), str(tmp_path / "set"), *named]) == 0


def test_joint_states_of_two_publishers_are_those_of_one(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    def two(topic: str, message: Any) -> list[Any]:
        return _arms_and_grippers(message, robot) if topic == JOINT_STATES else [message]

    bag = _changed(recorded[0], tmp_path / "two", robot, two)
    assert check_bag(bag, robot).problems == []
    expected, got = (read_episode(path, robot, lambda q: q, SIZE).state for path in (recorded[0], bag))
    np.testing.assert_array_equal(got, expected)


def test_joints_that_nobody_published_are_named(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    lost = robot.gripper_names[0]

    def without(topic: str, message: Any) -> list[Any]:
        if topic == JOINT_STATES:
            message.name = [name if name != lost else "another" for name in message.name]
        return [message]

    bag = _changed(recorded[0], tmp_path / "without", robot, without)
    with pytest.raises(DataError, match=f"no message has {lost}.*source_list"):
        read_episode(bag, robot, lambda q: q, SIZE)
    (problem,) = check_bag(bag, robot).problems
    assert problem.place == JOINT_STATES and lost in problem.what


@pytest.mark.parametrize("back", [False, True])
def test_a_joint_that_falls_silent_is_named_by_check_and_convert(
    back: bool, recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    lost, last = robot.gripper_names[0], max(record.log_ns for record in read(recorded[0]))

    def silent(topic: str, message: Any) -> list[Any]:
        at = stamp_ns(message.header) if topic == JOINT_STATES else 0
        if last // 4 < at and not (back and at > 3 * last // 4):
            message.name = [name if name != lost else "another" for name in message.name]
        return [message]

    bag = _changed(recorded[0], tmp_path / "silent", robot, silent)
    with pytest.raises(DataError, match=f"tick .*{lost} last told .*source_list"):
        read_episode(bag, robot, lambda q: q, SIZE)
    (problem,) = check_bag(bag, robot).problems
    assert problem.place == JOINT_STATES and lost in problem.what


@pytest.mark.parametrize("keep", [0, 200])
def test_a_picture_that_convert_refuses_is_a_problem_wherever_it_is_in_the_bag(
    keep: int, recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    seen = []

    def cut(topic: str, message: Any) -> list[Any]:
        if topic == HEAD:
            seen.append(topic)
            message.data = message.data[:keep] if len(seen) == 5 else message.data
        return [message]

    bag = _changed(recorded[0], tmp_path / "cut", robot, cut)
    with pytest.raises(DataError, match="no JPEG or PNG"):
        read_episode(bag, robot, lambda q: q, SIZE)
    (problem,) = check_bag(bag, robot).problems
    assert problem.place == HEAD and f"frame 4: {keep} bytes" in problem.what


@pytest.mark.parametrize(
    ("by_ns", "says"),
    [
        (3600 * 10**9, r"3600\.0 s ahead.*another clock"),
        (0, "all 14 stamps are 0"),
        (None, r"all 14 stamps are equal.*does not stamp"),
        (-300 * 10**6, r"300 ms behind the recording's"),
    ],
)
def test_a_camera_whose_clock_is_not_the_recordings_is_named_so(
    by_ns: int | None, says: str, recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    def shifted(topic: str, message: Any) -> list[Any]:
        """The whole bag at a time of day, the head camera by its own clock."""
        if topic != HEAD:
            return [_later(message, 10**18)]
        if by_ns is None:
            message.header = messages.header(10**18 + 10**9)
            return [message]
        return [_later(message, by_ns and by_ns + 10**18)]

    bag = _changed(recorded[0], tmp_path / "clock", robot, shifted)
    with pytest.raises(DataError, match=says):
        read_episode(bag, robot, lambda q: q, SIZE)
    assert any(p.place == HEAD and re.search(says, p.what) for p in check_bag(bag, robot).problems)


_UNSTAMPED = r"all \d+ stamps are 0: its (driver|sender) does not stamp"


@pytest.mark.parametrize("epoch_ns", [0, 10**18], ids=["simulated", "time-of-day"])
@pytest.mark.parametrize("unstamped", [COMMAND, JOINT_STATES, HEAD])
def test_check_and_convert_name_the_same_stream_that_is_not_stamped(
    unstamped: str, epoch_ns: int, recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    def change(topic: str, message: Any) -> list[Any]:
        by_ns = 0 if topic == unstamped else epoch_ns
        return [_later(message, by_ns) if by_ns or topic == unstamped else message]

    bag = _changed(recorded[0], tmp_path / "unstamped", robot, change)
    with pytest.raises(DataError, match=_UNSTAMPED) as refused:
        read_episode(bag, robot, lambda q: q, SIZE)
    (problem,) = check_bag(bag, robot).problems
    assert problem.place == unstamped and refused.value.text.endswith(problem.what)


@pytest.mark.parametrize("grippers_only", [False, True])
def test_of_two_publishers_of_joints_check_and_convert_name_the_one_that_does_not_stamp(
    grippers_only: bool, recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    def change(topic: str, message: Any) -> list[Any]:
        if topic != JOINT_STATES:
            return [message]
        parts = _arms_and_grippers(message, robot)
        _later(parts[grippers_only], 0)
        return parts

    bag = _changed(recorded[0], tmp_path / "two", robot, change)
    lost = robot.gripper_names[-1] if grippers_only else robot.joint_names[-1]
    with pytest.raises(DataError, match=f"{lost} last told .*their stamps are 0: not stamped"):
        read_episode(bag, robot, lambda q: q, SIZE)
    (problem,) = check_bag(bag, robot).problems
    assert problem.place == JOINT_STATES and "their stamps are 0" in problem.what


@pytest.mark.parametrize(
    ("key", "there", "other", "said"),
    [
        (
            "action_space",
            '"dual_arm_ee"',
            '"dual_arm_joints_7"',
            "action_space is 'dual_arm_joints_7', robot dual_arm speaks 'dual_arm_ee'",
        ),
        ("tick_rate_hz", "30.0", "29.97", "tick_rate_hz is 29.97, robot dual_arm ticks at 30 Hz"),
    ],
)
def test_a_bag_of_another_action_space_or_rate_is_named_by_check_and_refused_by_convert(
    key: str,
    there: str,
    other: str,
    said: str,
    recorded: tuple[Path, Demonstration],
    robot: RobotConfig,
    tmp_path: Path,
) -> None:
    """Numbers of other meaning were taken for the robot's commands, and those of another rate would move it faster."""
    bag = tmp_path / "bag"
    shutil.copytree(recorded[0], bag)
    text = (bag / FILE_NAME).read_text()
    assert f'"{key}": {there}' in text
    (bag / FILE_NAME).write_text(text.replace(f'"{key}": {there}', f'"{key}": {other}'))
    assert [problem.what for problem in check_bag(bag).problems] == [said]
    for options in (ConversionOptions(), ConversionOptions(any_contract=True)):
        with pytest.raises(DataError, match=said):
            convert([bag], tmp_path / "set", robot, options=options, bar=False)
