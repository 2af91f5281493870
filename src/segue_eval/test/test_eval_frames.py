"""Laws of the pictures that a run's video shows beside one another."""

from pathlib import Path

import numpy as np

from segue_data.bags import messages
from segue_data.bags.encoding import ImageCodec
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.manifest import Manifest
from segue_data.bags.topics import IMAGINED, demonstration_topics, image_topic
from segue_eval.report.frames import camera_frames, camera_topics

STEP_NS = 100_000_000


def recorded(folder: Path, pictures: dict[str, range]) -> Path:
    """A bag with a picture of each camera at these steps; topics of silent cameras are in it, too."""
    writer, codec = EpisodeWriter(folder, demonstration_topics([*pictures]), wait=True), ImageCodec()
    for step in range(6):
        for camera, steps in pictures.items():
            if step in steps:
                data = codec.encode(np.full((16, 16, 3), 40 * step, np.uint8))
                stamp = step * STEP_NS
                message = messages.compressed_image(stamp, camera, data, codec.label)
                writer.write_message(image_topic(camera), stamp, message)
    return writer.finish(Manifest(task="t", robot="r", outcome="success"))


def test_what_was_imagined_stands_last_and_comes_when_it_does(tmp_path: Path) -> None:
    bag = recorded(
        tmp_path / "bag", {IMAGINED: range(3, 6), "wrist": range(6), "head": range(6), "lost": range(0)}
    )
    assert list(camera_topics(bag)) == ["head", "wrist", IMAGINED]
    shown = [list(images) for _, images in camera_frames(bag, 0, 5 * STEP_NS, 10.0)]
    assert shown == [["head", "wrist"]] * 3 + [["head", "wrist", IMAGINED]] * 2


def test_what_was_imagined_late_is_shown_where_it_was_imagined_for(tmp_path: Path) -> None:
    """Decoded after later pictures, and recorded behind them."""
    folder, codec = tmp_path / "bag", ImageCodec()
    writer = EpisodeWriter(folder, demonstration_topics(["head", IMAGINED]), wait=True)

    def write(camera: str, at: int, step: int) -> None:
        data = codec.encode(np.full((16, 16, 3), 40 * step, np.uint8))
        message = messages.compressed_image(step * STEP_NS, camera, data, codec.label)
        writer.write_message(image_topic(camera), at * STEP_NS, message)

    for step in range(6):
        write("head", step, step)
    for step in (4, 2, 3):
        write(IMAGINED, 5, step)
    bag = writer.finish(Manifest(task="t", robot="r", outcome="success"))
    shown = [images for _, images in camera_frames(bag, 0, 5 * STEP_NS, 10.0)]
    pairs = [(round(s["head"].mean() / 40), round(s[IMAGINED].mean() / 40)) for s in shown if IMAGINED in s]
    assert pairs == [(2, 2), (3, 3), (4, 4)]
