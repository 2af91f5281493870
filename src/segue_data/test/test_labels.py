"""Laws of labels: definitions, versions, and that labels of another dataset are never taken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, DataError
from segue_data.datasets import labels
from segue_data.datasets.bags_to_dataset import convert
from segue_data.datasets.dataset import load
from segue_data.datasets.label_files import find_label, label_of, split, write_labels, write_split
from segue_data.datasets.labels import KeyframeSettings, TokenSettings
from segue_data.recording.stage import Demonstration
from segue_perception.preprocess import resize

RATE = 30.0


def _episode(dim: int = 14, frames: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Moves for a second, rests for a second, moves on; the gripper closes in the second rest."""
    x = np.concatenate([np.linspace(0, 0.3, 30), np.full(30, 0.3), np.linspace(0.3, 0.6, 30)])
    state = np.zeros((frames, dim))
    state[:, 0] = x
    action = state.copy()
    action[:, 6] = np.where(np.arange(frames) < 45, 1.0, 0.0)
    return state, action


def test_keyframes_are_stops_gripper_changes_and_the_end(robot: RobotConfig) -> None:
    state, action = _episode()
    found = labels.keyframes(state, action, robot.action_space, RATE, KeyframeSettings())
    assert np.flatnonzero(found).tolist() == [30, 45, 89]
    following = labels.next_keyframe(found)
    assert [following[k] for k in (0, 30, 31, 45, 46, 89)] == [30, 30, 45, 45, 89, 89]


def test_a_stop_right_after_a_gripper_change_is_one_keyframe(robot: RobotConfig) -> None:
    state, action = _episode()
    action[:, 6] = np.where(np.arange(90) < 26, 1.0, 0.0)
    found = labels.keyframes(state, action, robot.action_space, RATE, KeyframeSettings())
    assert np.flatnonzero(found).tolist() == [26, 89]


def test_the_keyframe_of_a_gripper_may_be_where_its_fingers_have_followed(robot: RobotConfig) -> None:
    state, action = _episode()
    state[:, 6] = np.where(np.arange(90) < 48, 0.7, 0.1)

    def found(measured: np.ndarray, told: np.ndarray) -> list[int]:
        settings = KeyframeSettings(gripper_answered=True)
        return list(np.flatnonzero(labels.keyframes(measured, told, robot.action_space, RATE, settings)))

    assert found(state, action) == [30, 48, 89]
    state[:, 6] = 0.7  # something wide is between the fingers
    assert found(state, action) == [30, 55, 89]
    action[49:, 6] = 1.0  # and they are told to open before they have closed
    assert found(state, action) == [30, 48, 49, 89]


def test_a_robot_that_stands_still_at_the_beginning_does_not_come_to_rest_there(robot: RobotConfig) -> None:
    state, action = _episode()
    state = np.concatenate([np.repeat(state[:1], 20, axis=0), state])
    action = np.concatenate([np.repeat(action[:1], 20, axis=0), action])
    found = labels.keyframes(state, action, robot.action_space, RATE, KeyframeSettings())
    assert np.flatnonzero(found).tolist() == [50, 65, 109]


def test_a_robot_that_comes_to_rest_right_before_the_end_has_one_keyframe_there(robot: RobotConfig) -> None:
    state, action = _episode()
    found = labels.keyframes(state[:33], action[:33], robot.action_space, RATE, KeyframeSettings())
    assert np.flatnonzero(found).tolist() == [32]
    settings = KeyframeSettings(end=False)
    found = labels.keyframes(state[:33], action[:33], robot.action_space, RATE, settings)
    assert labels.next_keyframe(found).tolist() == [30] * 31 + [-1] * 2


def test_demonstrations_without_a_keyframe_are_named(dataset: Path) -> None:
    settings = {"end": False, "gripper_threshold": 2.0, "still_m_s": 1e-9}
    with pytest.raises(DataError, match="keyframes: none in episode 0.*raise still_m_s"):
        load(dataset, workers=1, bar=False).label("keyframes", **settings)


def test_progress_goes_from_nothing_to_everything() -> None:
    np.testing.assert_allclose(labels.progress(5), [0, 0.25, 0.5, 0.75, 1.0])


def test_tokens_come_back_within_half_a_bin() -> None:
    action = np.random.default_rng(0).uniform(-1, 1, (4000, 3))
    low, high = labels.bin_edges(action, TokenSettings())
    numbers = labels.tokens(action, low, high, 256)
    inside = (action > low) & (action < high)
    error = np.abs(labels.untokens(numbers, low, high, 256) - action)
    assert numbers.min() == 0 and numbers.max() == 255
    assert (error[inside] <= np.broadcast_to((high - low) / 512 + 1e-12, action.shape)[inside]).all()


@pytest.fixture(scope="module")
def dataset(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("labels") / "dataset"
    convert([recorded[0]], path, robot, workers=1, bar=False)
    return path


@pytest.mark.parametrize("name", ["keyframes", "progress", "tokens"])
def test_labels_have_a_row_per_frame_and_say_how_they_were_made(name: str, dataset: Path) -> None:
    path, version = write_labels(dataset, name), find_label(name).version
    assert all(len(column) == 14 for column in label_of(dataset, name).values())
    assert path.name.startswith(f"{name}-v{version}-")
    sidecar = json.loads(path.with_suffix(".json").read_text())
    assert (sidecar["name"], sidecar["version"]) == (name, version) and "settings" in sidecar


def test_other_settings_are_another_file_and_are_not_mixed_up(dataset: Path) -> None:
    one, two = write_labels(dataset, "tokens"), write_labels(dataset, "tokens", {"bins": 16})
    assert one != two
    for bins in (16, 256):
        assert max(column.max() for column in label_of(dataset, "tokens", {"bins": bins}).values()) < bins


@pytest.mark.parametrize("name", ["keyframes", "progress", "tokens"])
def test_a_learner_is_given_the_labels_that_are_kept_and_keeps_those_that_are_not(
    name: str, dataset: Path
) -> None:
    shutil.rmtree(dataset / "labels", ignore_errors=True)
    opened = load(dataset, workers=1, bar=False)
    first = opened.label(name)
    (file,) = (dataset / "labels").glob(f"{name}-v*.parquet")
    assert file == write_labels(dataset, name)  # the same file, by the dataset's frames and the settings
    again = load(dataset, workers=1, bar=False).label(name)
    assert first.keys() == again.keys() and all(
        len(column) == len(opened.action) for column in again.values()
    )
    for column, values in first.items():
        np.testing.assert_array_equal(again[column], values)


def test_an_unknown_label_or_setting_names_those_there_are(dataset: Path) -> None:
    opened = load(dataset, workers=1, bar=False)
    with pytest.raises(ConfigError, match="label.*'progres'.*progress"):
        opened.label("progres")
    with pytest.raises(ConfigError, match="setting of the label tokens.*'bin'.*bins"):
        opened.label("tokens", bin=3)


def test_pictures_are_read_when_they_are_asked_for_at_the_size_that_they_have(dataset: Path) -> None:
    opened = load(dataset, workers=1, bar=False)
    frames = [5, 0, 5]
    for axis, camera in enumerate(opened.cameras):
        shown = opened.pictures(frames, camera)
        assert shown.dtype == np.uint8 and len(shown) == 3
        np.testing.assert_array_equal(resize(shown[0], opened.images.shape[3:1:-1]), opened.images[5, axis])
        np.testing.assert_array_equal(shown[0], shown[2])
    with pytest.raises(ConfigError, match="camera.*'hed'.*head"):
        opened.pictures([0], "hed")
    assert isinstance(opened.instruction(0), str)


def test_a_split_is_by_episode_and_stays_when_episodes_are_added(dataset: Path) -> None:
    ours = dataset / "meta" / "segue.json"
    before = ours.read_text()
    data = json.loads(before)
    data["episodes"] = [{"bag": f"episode_{n:06d}"} for n in range(400)]
    ours.write_text(json.dumps(data))
    large = split(dataset, {"validation": 0.1, "test": 0.1})
    data["episodes"] = data["episodes"][:200]
    ours.write_text(json.dumps(data))
    small = split(dataset, {"validation": 0.1, "test": 0.1})
    assert sorted(number for part in large.values() for number in part) == list(range(400))
    assert all(small[part] == [n for n in large[part] if n < 200] for part in large)
    assert 20 < len(large["validation"]) < 60
    assert json.loads(write_split(dataset, {"validation": 0.1}).read_text())["episodes"]["train"]
    ours.write_text(before)
