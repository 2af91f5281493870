"""Laws of looking at recordings, and of the way back from a dataset to bags."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, DataError
from segue_core.exit_status import ExitStatus
from segue_data.bags.namespaces import in_namespace
from segue_data.bags.reader import read
from segue_data.bags.topics import image_topic, run_topics
from segue_data.checks.bag import check_bag, read_streams
from segue_data.checks.dataset import check_dataset
from segue_data.checks.page import _figure, _legend, _starts, write_page
from segue_data.cli import main
from segue_data.contracts import load_robot
from segue_data.datasets.bags_to_dataset import convert
from segue_data.datasets.dataset import load
from segue_data.datasets.dataset_to_bags import export
from segue_data.datasets.writer import ConversionOptions
from segue_data.findings import Findings
from segue_data.recording.stage import Demonstration
from segue_data.views.foxglove import live_layout
from segue_data.views.rviz import rviz_config


@pytest.fixture(scope="module")
def dataset(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("views") / "dataset"
    convert([recorded[0]], path, robot, workers=1, bar=False)
    return path


def test_a_dataset_comes_back_from_its_bags_frame_by_frame(
    dataset: Path, robot: RobotConfig, tmp_path: Path
) -> None:
    assert export(dataset, tmp_path / "bags", robot, workers=1, bar=False) == 1
    bag = tmp_path / "bags" / "episode_000000"
    assert check_bag(bag, robot).facts["commanded_by"] == [("dataset", 0, 13)]
    convert([bag], tmp_path / "again", robot, workers=1, bar=False)
    before, after = load(dataset, bar=False), load(tmp_path / "again", bar=False)
    for name in ("images", "state", "action", "episode", "time_s"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name), err_msg=name)


def test_an_export_overwrites_nothing(dataset: Path, robot: RobotConfig, tmp_path: Path) -> None:
    export(dataset, tmp_path, robot, workers=1, bar=False)
    with pytest.raises(DataError, match="exists already"):
        export(dataset, tmp_path, robot, workers=1, bar=False)


@pytest.mark.parametrize("kind", ["bag", "dataset"])
def test_a_contact_sheet_is_a_picture_with_something_on_it(
    kind: str, recorded: tuple[Path, Demonstration], dataset: Path, tmp_path: Path
) -> None:
    path = recorded[0] if kind == "bag" else dataset
    assert main(["show", str(path), "--sheet", str(tmp_path / "sheet.png"), "--columns", "4"]) == 0
    picture = cv2.imread(str(tmp_path / "sheet.png"))
    assert picture is not None and min(picture.shape[:2]) > 300 and picture.std() > 20


def test_an_episode_that_is_not_there_is_refused(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(dataset), "--episode", "3"]) == ExitStatus.DATA
    assert "no episode 3; there are 1" in capsys.readouterr().err


def test_a_foxglove_layout_names_every_camera_and_command(
    recorded: tuple[Path, Demonstration], tmp_path: Path
) -> None:
    assert main(["show", str(recorded[0]), "--foxglove", str(tmp_path / "layout.json")]) == 0
    layout = json.loads((tmp_path / "layout.json").read_text())
    text = json.dumps(layout)
    for wanted in ("/head_camera/image_raw/compressed", "/right_wrist_camera", "/segue/command.action[13]"):
        assert wanted in text
    assert text.count('"Image!') >= 6  # each panel is configured, and is placed


def test_a_page_shows_the_problems_and_the_streams(
    recorded: tuple[Path, Demonstration], tmp_path: Path
) -> None:
    main(["check", str(recorded[0]), "--page", str(tmp_path / "page.html")])
    page = (tmp_path / "page.html").read_text()
    assert recorded[0].name in page and page.count("data:image/svg+xml") == 3
    assert page.count("data:image/jpeg") == 3 * len(recorded[1].robot.cameras)  # first, middle, last of each
    assert "prefers-color-scheme:dark" in page


def test_a_legend_never_lies_on_the_data() -> None:
    """The gaps of the worst bag were behind it."""
    figure, axes = _figure(1, 2.0)
    axes[0, 0].plot([0, 1], [0, 1], label="/joint_states")
    _legend(axes[0, 0], columns=3)
    figure.canvas.draw()
    assert axes[0, 0].get_legend().get_window_extent().y0 >= axes[0, 0].get_window_extent().y1


def test_a_page_shows_the_worst_bag_first(recorded: tuple[Path, Demonstration], tmp_path: Path) -> None:
    good, bad = Findings(recorded[0], "bag"), Findings(tmp_path / "no_such_bag", "bag")
    bad.add("/joint_states", "stopped")
    write_page([good, bad], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert 0 < page.index("no_such_bag") < page.index(recorded[0].name)


def test_a_camera_of_another_clock_leaves_the_other_streams_their_time(
    recorded: tuple[Path, Demonstration],
) -> None:
    """One without stamps squeezed everything else into a single point, 57 years later."""
    streams = read_streams(recorded[0])
    camera = next(topic for topic in streams.digests if streams.stamps[topic])
    ours = _starts(streams)
    streams.stamps[camera] = [0] * len(streams.stamps[camera])
    assert _starts(streams) == {**ours, camera: 0} and len({*ours.values()}) == 1


def test_a_dataset_with_videos_loads_checks_shows_and_comes_back(
    recorded: tuple[Path, Demonstration], dataset: Path, robot: RobotConfig, tmp_path: Path
) -> None:
    options = ConversionOptions(videos=True)
    convert([recorded[0]], tmp_path / "films", robot, options=options, workers=1, bar=False)
    assert len(list((tmp_path / "films").glob("videos/*/chunk-000/file-000.mp4"))) == 3
    exact, films = load(dataset, bar=False), load(tmp_path / "films", bar=False)
    light = [np.asarray(d.images, dtype=float) @ [0.299, 0.587, 0.114] for d in (exact, films)]
    assert (
        np.abs(light[0] - light[1]).mean() < 3.0
    )  # colours of noise suffer: the encoder halves their resolution
    assert np.abs(light[0][1:] - light[1][:-1]).mean() > 20.0  # and no frame is its neighbour
    np.testing.assert_array_equal(exact.action, films.action)
    places = [p.place for p in check_dataset(tmp_path / "films").problems if "jumps" not in p.what]
    assert places == []
    assert main(["show", str(tmp_path / "films"), "--sheet", str(tmp_path / "film.png")]) == 0
    assert export(tmp_path / "films", tmp_path / "bags", robot, workers=1, bar=False) == 1
    frames = [r for r in read(tmp_path / "bags" / "episode_000000") if r.topic == image_topic("head")]
    assert len(frames) == len(films.action)


def test_videos_of_odd_size_are_refused_before_anything_is_written(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="97x72"):
        convert([recorded[0]], tmp_path / "odd", robot, options=ConversionOptions(videos=True, size=(97, 72)))
    assert not (tmp_path / "odd").exists()


ROBOTS = sorted(path.stem for path in (Path(__file__).parents[3] / "config" / "robots").glob("*.yaml"))


def _topics_in(value: object) -> set[str]:
    """Everything that looks like a topic, anywhere in plain data."""
    if isinstance(value, dict):
        return {name for item in (*value, *value.values()) for name in _topics_in(item)}
    if isinstance(value, list):
        return {name for item in value for name in _topics_in(item)}
    return {value.split(".")[0]} if isinstance(value, str) and value.startswith("/") else set()


@pytest.mark.parametrize("namespace", ["", "/left"])
@pytest.mark.parametrize("name", ROBOTS)
def test_every_robot_has_views_of_itself_its_cameras_and_what_is_predicted(name: str, namespace: str) -> None:
    robot = load_robot(name)
    prefix = f"{namespace.strip('/')}/" if namespace else ""
    known = {in_namespace(topic, namespace) for topic in (*run_topics(robot.cameras), "/segue/scene")}
    rviz = yaml.safe_load(rviz_config(robot, namespace))
    foxglove = live_layout(robot, namespace)
    cameras = {in_namespace(f"/{camera}_camera/image_raw", namespace) for camera in robot.cameras}
    for view in (rviz, foxglove):
        assert _topics_in(view) <= known, "only what the graph publishes"
        assert {f"{namespace}/robot_description", f"{namespace}/segue/chunk_path", *cameras} <= _topics_in(
            view
        )
    options = rviz["Visualization Manager"]["Global Options"]
    assert (
        options["Fixed Frame"] == foxglove["configById"]["3D!robot"]["followTf"] == prefix + robot.base_frame
    )
    assert json.loads(json.dumps(foxglove)) == foxglove


def test_keyframes_are_told_and_marked_in_a_strip(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["keyframes", str(dataset), "--columns", "2", "--sheet"]
    settings = ["--settings", '{"still_m_s": 1e-9, "gripper_threshold": 2.0}']
    assert main([*words, str(tmp_path / "a.png"), *settings]) == ExitStatus.SUCCESS
    said = capsys.readouterr().out
    assert (
        "a horizon of 14 holds them all" in said and "no keyframe but the end in 1 of 1 episodes: 0" in said
    )
    assert main([*words, str(tmp_path / "b.png"), "--episode", "7"]) != ExitStatus.SUCCESS
    assert "no episode 7" in capsys.readouterr().err
    strip = cv2.imread(str(tmp_path / "a.png"))
    red = (strip[..., 2] > 180) & (strip[..., :2].max(axis=-1) < 80)
    assert red.sum() > 100  # the frame of the last picture, and lines in the plots
