"""Laws of datasets that others wrote: packed files, other orders of axes and names, sizes, and what contradicts."""

from __future__ import annotations

import base64
import json
import math
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
from foreign_sets import LENGTHS, SIZE, axes_first, changed, frames_of, replaced, write_foreign

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import DataError
from segue_core.exit_status import ExitStatus
from segue_data.bags.manifest import load as load_manifest
from segue_data.checks.check import info
from segue_data.checks.dataset import check_dataset
from segue_data.checks.page import write_page
from segue_data.cli import main
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.adopt import adopt
from segue_data.datasets.bags_to_dataset import convert
from segue_data.datasets.dataset import EpisodeDataset, load
from segue_data.datasets.dataset_to_bags import export
from segue_data.datasets.episodes import open_dataset
from segue_data.datasets.info import flat_names
from segue_data.datasets.label_files import label_of, write_labels
from segue_data.datasets.pictures import pictures
from segue_data.datasets.video_writer import write_video
from segue_data.datasets.writer import ConversionOptions
from segue_data.views.pictures import of_dataset


def _load(path: Path) -> EpisodeDataset:
    return load(path, workers=1, bar=False)


@pytest.mark.parametrize(("videos", "meta_files"), [(False, 1), (False, 2), (True, 3)])
def test_an_episode_is_what_meta_episodes_says_however_many_share_a_file(
    videos: bool, meta_files: int, robot: RobotConfig, tmp_path: Path
) -> None:
    frames = frames_of(robot)
    path = write_foreign(tmp_path / "ds", robot, frames, videos=videos, meta_files=meta_files)
    adopt(path, robot)
    assert check_dataset(path).problems == []
    whole = _load(path)
    assert whole.bounds().tolist() == np.cumsum([0, *LENGTHS]).tolist()
    wanted = np.concatenate([episode.images for episode in frames]).astype(float)
    assert np.abs(whole.images - wanted).mean(axis=(1, 2, 3, 4)).max() <= (3.0 if videos else 0.0)
    np.testing.assert_array_equal(whole.action, np.concatenate([episode.action for episode in frames]))
    shown = of_dataset(path, 1, 3)
    assert "episode 1 of 3, task 1: 4 frames" in shown.title
    np.testing.assert_array_equal(shown.actions, frames[1].action)
    np.testing.assert_array_equal(shown.views["head"][2], whole.images[LENGTHS[0] + 3, 0])
    assert np.flatnonzero(label_of(path, "progress")["progress"] == 1.0).tolist() == [4, 8, 14]
    write_page([check_dataset(path)], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    first = base64.b64decode(page.split("data:image/svg+xml;base64,")[1].split('"')[0]).decode()
    episodes = first.split('id="axes_2"')[1].split('id="matplotlib.axis_4"')[0]
    assert "episode 0" in page and "<!-- 1 -->" in episodes and "<!-- 0.5 -->" not in episodes


def test_a_packed_dataset_becomes_a_bag_per_episode_and_comes_back_frame_by_frame(
    robot: RobotConfig, tmp_path: Path
) -> None:
    path = write_foreign(tmp_path / "ds", robot, frames_of(robot))
    adopt(path, robot)
    assert export(path, tmp_path / "bags", robot, workers=1, bar=False) == 3
    bags = sorted((tmp_path / "bags").iterdir())
    assert [load_manifest(bag).instruction for bag in bags] == ["task 0", "task 1", "task 0"]
    options = ConversionOptions(size=SIZE)
    convert(bags, tmp_path / "back", robot, options=options, workers=1, bar=False)
    before, after = _load(path), _load(tmp_path / "back")
    for name in ("images", "state", "action", "episode", "time_s"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name), err_msg=name)


def test_without_meta_episodes_the_rows_say_what_an_episode_is_and_check_misses_it(
    robot: RobotConfig, tmp_path: Path
) -> None:
    path = write_foreign(tmp_path / "ds", robot, frames_of(robot))
    shutil.rmtree(path / "meta/episodes")
    adopt(path, robot)
    assert _load(path).bounds().tolist() == [0, 5, 9, 15]
    assert [problem.place for problem in check_dataset(path).problems] == ["meta/episodes"]


@pytest.mark.parametrize(
    "names", [["channels", "height", "width"], ["channel", "height", "width"], None, ["a", "b", "c"]]
)
@pytest.mark.parametrize("videos", [True, False])
def test_pictures_declared_channels_first_are_read_as_they_are(
    videos: bool, names: list[str] | None, robot: RobotConfig, tmp_path: Path
) -> None:
    """They were read 24 wide and 3 high."""

    def some(info: dict[str, Any]) -> None:
        axes_first(info, {"head": names, "left_wrist": names})

    path = write_foreign(tmp_path / "ds", robot, frames_of(robot, (3,)), videos=videos, edit_info=some)
    adopt(path, robot)
    data = _load(path)
    assert data.images.shape == (3, 3, SIZE[1], SIZE[0], 3)
    np.testing.assert_array_equal(
        pictures(open_dataset(path), open_dataset(path).episodes[0], "head", [2])[0], data.images[2, 0]
    )


@pytest.mark.parametrize("videos", [True, False])
def test_a_declared_size_that_the_pictures_have_not_is_refused_naming_both(
    videos: bool, robot: RobotConfig, tmp_path: Path
) -> None:
    def wrong(info: dict[str, Any]) -> None:
        info["features"][layout.IMAGE_PREFIX + "left_wrist"]["shape"] = [48, 64, 3]

    path = write_foreign(tmp_path / "ds", robot, frames_of(robot, (3,)), videos=videos, edit_info=wrong)
    with pytest.raises(
        DataError, match=r"32x24 pictures, meta/info.json declares 64x48 for observation.images.left_wrist"
    ):
        adopt(path, robot, (32, 24))


def test_cameras_of_two_sizes_need_one_to_be_read_at(robot: RobotConfig, tmp_path: Path) -> None:
    key = layout.IMAGE_PREFIX + "head"

    def enlarge(table: pa.Table) -> pa.Table:
        stored = [cv2.imdecode(np.frombuffer(p["bytes"], np.uint8), 1) for p in table.column(key).to_pylist()]
        big = [cv2.imencode(".png", cv2.resize(picture, (64, 48)))[1].tobytes() for picture in stored]
        return replaced(table, key, layout.image_column(big, 0, "head"))

    def declare(info: dict[str, Any]) -> None:
        info["features"][key]["shape"] = [48, 64, 3]

    path = write_foreign(
        tmp_path / "ds", robot, frames_of(robot, (3, 2)), edit_table=enlarge, edit_info=declare
    )
    with pytest.raises(DataError, match=r"head 64x48, left_wrist 32x24, right_wrist 32x24; .*--size WxH"):
        adopt(path, robot)
    adopt(path, robot, SIZE)
    assert _load(path).images.shape == (5, 3, SIZE[1], SIZE[0], 3) and check_dataset(path).ok


def test_names_of_another_robot_or_in_another_order_are_not_adopted(
    robot: RobotConfig, tmp_path: Path
) -> None:
    def named(state: Any, action: Any) -> Any:
        def edit(info: dict[str, Any]) -> None:
            info["features"][layout.STATE]["names"] = state
            info["features"][layout.ACTION]["names"] = action

        return edit

    names = list(robot.action_space.names)
    others = [f"motor_{k}" for k in range(14)]
    first = [names[-1], *names[:-1]]
    frames = frames_of(robot, (2,))

    def written(place: str, state: Any, action: Any) -> Path:
        return write_foreign(tmp_path / place, robot, frames, edit_info=named(state, action))

    for place, names_then in (
        ("a", {"motors": names}),
        ("b", None),
        ("c", {n: k for k, n in enumerate(names)}),
    ):
        adopt(written(place, names_then, names_then), robot)
    with pytest.raises(
        DataError, match=r"observation.state: names right_gripper, left_.*: write the columns in this order"
    ):
        adopt(written("d", first, names), robot, any_names=True)
    path = written("e", others, {"axes": others})
    with pytest.raises(
        DataError, match=r"state and action: names motor_0, .*, expected left_position_0, .*--any-names"
    ):
        adopt(path, robot)
    assert main(["adopt", str(path), "--robot", "dual_arm"]) == ExitStatus.DATA
    adopt(path, robot, any_names=True)
    with pytest.raises(DataError, match="13 names for 14 numbers"):
        adopt(written("f", others[:13], None), robot, any_names=True)


def test_names_are_read_in_every_form_that_lerobot_has_had() -> None:
    for names in (
        ["x", "y"],
        [["x", "y"]],
        {"motors": ["x", "y"]},
        {"y": 1, "x": 0},
        {"a": ["x"], "b": ["y"]},
    ):
        assert flat_names(names) == ("x", "y")
    assert flat_names(None) is None and flat_names([None]) is None and flat_names({}) is None


def test_pictures_beside_the_data_files_are_read_and_a_missing_one_is_named(
    robot: RobotConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ds"

    def outside(table: pa.Table) -> pa.Table:
        for camera, prefix in (("head", ""), ("left_wrist", "/home/else/where/")):
            key = layout.IMAGE_PREFIX + camera
            names = []
            for row, picture in enumerate(table.column(key).to_pylist()):
                file = path / "images" / key / f"frame_{row:06d}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(picture["bytes"])
                names.append(f"{prefix}{file.relative_to(path)}")
            kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
            table = replaced(table, key, pa.array([{"bytes": None, "path": name} for name in names], kind))
        return table

    frames = frames_of(robot)
    write_foreign(path, robot, frames, edit_table=outside)
    adopt(path, robot)
    np.testing.assert_array_equal(_load(path).images, np.concatenate([episode.images for episode in frames]))
    assert check_dataset(path).ok and export(path, tmp_path / "bags", robot, workers=1, bar=False) == 3
    picture = path / "images" / (layout.IMAGE_PREFIX + "head") / "frame_000006.png"
    picture.write_bytes(b"x")
    with pytest.raises(DataError, match="episode 1, frame 1, camera head: 1 bytes that are no JPEG or PNG"):
        _load(path)
    (problem,) = check_dataset(path).problems
    assert "episode 1, frame 1, camera head: 1 bytes" in problem.what
    picture.unlink()
    with pytest.raises(
        DataError, match=r"file-000.parquet, episode 1, frame 1, camera head: .*frame_000006.png is not in"
    ):
        _load(path)
    assert main(["check", str(path)]) == 1 and "frame_000006" in capsys.readouterr().out


def test_a_path_out_of_the_dataset_is_not_followed(robot: RobotConfig, tmp_path: Path) -> None:
    key = layout.IMAGE_PREFIX + "head"

    def away(table: pa.Table) -> pa.Table:
        (tmp_path / "secret.png").write_bytes(table.column(key).to_pylist()[0]["bytes"])
        return replaced(table, key, pa.array([{"bytes": None, "path": "../secret.png"}] * len(table)))

    with pytest.raises(DataError, match=r"its file ../secret.png is not in"):
        adopt(write_foreign(tmp_path / "ds", robot, frames_of(robot, (2,)), edit_table=away), robot)


_NAN, _INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (layout.ACTION, _NAN, "episode 1, frame 3, action: left_position_2 is nan, expected a finite number"),
        (
            layout.STATE,
            -_INF,
            "episode 1, frame 3, observation.state: left_position_2 is -inf, expected a finite number",
        ),
    ],
)
def test_a_number_that_is_not_finite_is_named_with_its_place(
    name: str, value: float, says: str, robot: RobotConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = frames_of(robot)
    path = write_foreign(tmp_path / "ds", robot, frames, edit_table=lambda t: changed(t, name, 8, 2, value))
    adopt(path, robot)
    for use in (
        _load,
        lambda p: export(p, tmp_path / "bags", robot, workers=1),
        lambda p: write_labels(p, "tokens"),
    ):
        with pytest.raises(DataError) as caught:
            use(path)
        assert f"{path}, data/chunk-000/file-000.parquet, {says}" in caught.value.text
        assert f"`segue data check {path}` lists everything" in caught.value.advised
    assert not (tmp_path / "bags").exists()
    assert main(["show", str(path), "--episode", "1", "--sheet", str(tmp_path / "x.png")]) == 0
    assert main(["check", str(path), "--page", str(tmp_path / "page.html")]) == 1
    assert says.replace("observation.", "") in capsys.readouterr().out
    assert "episode 1" in (tmp_path / "page.html").read_text()


def _info(**changes: Any) -> dict[str, Any]:
    return {"edit_info": lambda info: info.update(changes)}


def _row(number: int, **changes: Any) -> dict[str, Any]:
    return {"edit_rows": lambda rows: rows[number].update(changes)}


def _times(*values: float) -> dict[str, Any]:
    def edit(table: pa.Table) -> pa.Table:
        times = table.column("timestamp").to_pylist()
        times[6 : 6 + len(values)] = values
        return replaced(table, "timestamp", pa.array(times, pa.float32()))

    return {"edit_table": edit}


def _words(table: pa.Table) -> pa.Table:
    return replaced(table, "timestamp", pa.array(["now"] * len(table)))


def _short(table: pa.Table) -> pa.Table:
    rows = table.column(layout.ACTION).to_pylist()
    rows[7] = rows[7][:-1]
    return replaced(table, layout.ACTION, pa.array(rows, pa.list_(pa.float32())))


def _film(key: str, **changes: Any) -> dict[str, Any]:
    named = {f"videos/{layout.IMAGE_PREFIX}head/{name}": value for name, value in changes.items()}
    return {"videos": True} | _row(1, **named) if key else {}


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (_info(fps=0), "meta/info.json: fps: got 0; expected a number above 0, at most 1000"),
        (_info(fps=-30), "fps: got -30; expected a number above 0"),
        (_info(fps=_NAN), "fps: got nan; expected a number"),
        (_info(fps=1e6), "fps: got 1000000.*, at most 1000"),
        (_info(fps="30"), "fps: got '30'; expected a number"),
        (_info(codebase_version="v99"), "codebase_version: 'v99', expected 'v3.0'"),
        (_info(codebase_version="v2.1"), "turn v2.1 into v3.0 with LeRobot.*: python -m lerobot.scripts"),
        (_info(codebase_version=None), "codebase_version: not there, expected 'v3.0'"),
        (_info(total_frames=14), "meta/info.json: says 3 episodes and 14 frames, the data files hold 3 and 15"),
        (_info(total_episodes=2), "meta/info.json: says 2 episodes and 15 frames, the data files hold 3 and 15"),
        (_info(features=[]), "features"),
        (_row(1, length=5), "meta/episodes, episode 1: length is 5, the data files say 4"),
        (_row(2, dataset_from_index=0), "meta/episodes, episode 2: dataset_from_index is 0, the data files say 9"),
        (_row(2, episode_index=7), "meta/episodes, episode 2: not there; the data files hold 6 rows of it"),
        (_times(0.5), "file-000.parquet, episode 1, frame 1: timestamp is 0.5 s, expected 0.0333 s at 30 frames"),
        (_times(0.0333, math.nan), "episode 1, frame 2: timestamp is nan s, expected 0.0667 s"),
        ({"edit_table": _words}, "file-000.parquet, timestamp: is string, expected one number a row"),
        ({"edit_table": lambda t: t.slice(0, 0)}, "data: no frames"),
        ({"edit_table": _short}, "file-000.parquet, action, row 7: 13 numbers, expected 14"),
        ({"edit_table": lambda t: t.drop_columns("action")}, "file-000.parquet, columns: no column action; there are"),
        (_film("x", from_timestamp=0.0), "file-000.mp4, episode 1: begins at frame 0, where episode 0 is"),
        (_film("x", from_timestamp=_NAN), "episode 1: videos/.*head/from_timestamp is nan, expected seconds from 0 on"),
        (_film("x", from_timestamp=1e300), "episode 1: videos/.*head/from_timestamp is 1e.300, expected seconds"),
        (_film("x", file_index=None), "meta/episodes, episode 1: videos/.*head/chunk_index, file_index are 0, None"),
        (_film("x", file_index=3), "videos/.*head/chunk-000/file-003.mp4, episode 1: no such video"),
        (_film("x", from_timestamp=2.0), "file-000.mp4, episode 1, frame 0: not in the video, 4 frames in all"),
    ],
)  # fmt: skip
def test_what_contradicts_is_refused_naming_the_place_and_what_is_expected(
    fault: dict[str, Any], says: str, robot: RobotConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_foreign(tmp_path / "good", robot, frames_of(robot, (2,)), videos=False)
    adopt(good, robot)
    path = write_foreign(tmp_path / "ds", robot, frames_of(robot), **fault)
    shutil.copy(good / layout.OURS, path / layout.OURS)
    with pytest.raises(DataError, match=says) as caught:
        _load(path)
    assert str(path) in caught.value.text and "\n" not in caught.value.text
    assert main(["check", str(path)]) == 1
    assert str(path) in capsys.readouterr().out
    assert main(["info", str(path)]) in (ExitStatus.SUCCESS, ExitStatus.DATA)


def test_a_video_that_ends_early_or_is_none_is_named_with_episode_and_frame(
    robot: RobotConfig, tmp_path: Path
) -> None:
    frames = frames_of(robot)
    path = write_foreign(tmp_path / "ds", robot, frames, videos=True)
    adopt(path, robot)
    film = path / "videos" / (layout.IMAGE_PREFIX + "left_wrist") / "chunk-000/file-000.mp4"
    whole = film.read_bytes()
    write_video(film, np.concatenate([e.images[:, 1] for e in frames])[:7], np.arange(7) / 30, 30.0)
    with pytest.raises(
        DataError, match=r"left_wrist/.*file-000.mp4, episode 1, frame 2: not in the video, 2 frames in all"
    ):
        _load(path)
    film.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(DataError, match=r"left_wrist/.*file-000.mp4, video: "):
        _load(path)
    assert any("left_wrist" in problem.what for problem in check_dataset(path).problems)
    write_page([check_dataset(path)], tmp_path / "page.html")
    assert "left_wrist" in (tmp_path / "page.html").read_text()
    film.unlink()
    with pytest.raises(DataError, match=r"left_wrist/chunk-000/file-000.mp4, episode 0: no such video"):
        _load(path)


def test_a_dataset_that_grew_after_it_was_adopted_is_exported_whole_as_the_robots_that_it_was_adopted_for(
    robot: RobotConfig, tmp_path: Path
) -> None:
    def of_another(info: dict[str, Any]) -> None:
        info["robot_type"] = "my_arm"

    path = write_foreign(tmp_path / "ds", robot, frames_of(robot), edit_info=of_another)
    adopt(path, robot)
    ours = json.loads((path / layout.OURS).read_text())
    ours["episodes"] = ours["episodes"][:2]
    (path / layout.OURS).write_text(json.dumps(ours))
    assert export(path, tmp_path / "bags", None, workers=1, bar=False) == 3
    assert load_manifest(tmp_path / "bags/episode_000000").robot == info(path)["robot"] == robot.name
    del ours["robot"]
    (path / layout.OURS).write_text(json.dumps(ours))
    with pytest.raises(DataError, match=f"'my_arm'.*--robot NAME, NAME is one of .*{robot.name}"):
        export(path, tmp_path / "others", None, workers=1, bar=False)
    assert main(["split", str(path)]) == 0
