from pathlib import Path

import av
import numpy as np
import pytest

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
