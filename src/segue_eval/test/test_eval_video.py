import resource
from pathlib import Path

import av
import numpy as np
import pytest

from segue_eval.report.spectator import Pace
from segue_eval.report.video import CAPTION_HEIGHT, VideoFrame, compose, write_video

GREY = np.full((48, 64, 3), 128, dtype=np.uint8)


@pytest.mark.parametrize("size", [(48, 64), (47, 63), (33, 91)])
def test_every_picture_has_even_sides_whatever_the_cameras_are(size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), dtype=np.uint8)
    picture = compose(VideoFrame({"head": image, "wrist": image}, "caption"), panel_height=75)
    assert picture.shape[0] % 2 == 0 and picture.shape[1] % 2 == 0


def test_cameras_stand_side_by_side_in_the_given_order() -> None:
    red, blue = np.zeros_like(GREY), np.zeros_like(GREY)
    red[..., 0], blue[..., 2] = 200, 200
    picture = compose(VideoFrame({"a": red, "b": blue}, ""), panel_height=48)
    row = picture[CAPTION_HEIGHT + 40]
    assert row[10, 0] == 200 and row[-10, 2] == 200


def test_frames_in_are_frames_out(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    assert write_video((VideoFrame({"head": GREY}, str(index)) for index in range(12)), path, 30.0) == 12
    with av.open(str(path)) as film:
        assert sum(1 for _ in film.decode(film.streams.video[0])) == 12


def test_no_frames_leave_no_file(tmp_path: Path) -> None:
    assert write_video((), tmp_path / "film.mp4", 30.0) == 0
    assert not (tmp_path / "film.mp4").exists()


def test_a_film_that_the_disk_refuses_is_not_there_and_the_one_before_still_is(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_text("before")
    noise = np.random.default_rng(0).integers(0, 255, (20, 48, 64, 3), dtype=np.uint8)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
    try:
        with pytest.raises(OSError, match="film.mp4") as refusal:
            write_video((VideoFrame({"head": image}, "") for image in noise), path, 30.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refusal.value.filename == str(path)
    assert path.read_text() == "before" and [file.name for file in tmp_path.iterdir()] == ["film.mp4"]


@pytest.mark.parametrize("cameras", [0, 1, 3, 4, 5])
def test_the_view_keeps_its_size_beside_any_number_of_cameras(cameras: int) -> None:
    view = np.full((480, 854, 3), 77, dtype=np.uint8)
    images = {f"camera_{number}": GREY for number in range(cameras)}
    picture = compose(VideoFrame(images, "caption", view), panel_height=75)
    assert picture.shape[0] % 2 == 0 and picture.shape[1] % 2 == 0
    assert np.array_equal(picture[CAPTION_HEIGHT : CAPTION_HEIGHT + 480, :854], view)


@pytest.mark.parametrize(("each_s", "frames"), [(0.04, 300), (0.3, 1800), (0.01, 90)])
def test_drawing_a_run_takes_no_longer_than_its_budget_but_shows_three_pictures_a_second(
    each_s: float, frames: int
) -> None:
    pace = Pace(frames, 30.0, budget_s=40.0)
    drawn = [frame for frame in range(frames) if pace.due(frame) and (pace.took(each_s) or True)]
    fewest = frames / 30.0 * 3.0
    assert len(drawn) * each_s <= max(40.0, fewest * each_s) + 3 * each_s
    assert np.diff(drawn).max() <= 10
