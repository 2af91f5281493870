"""Small pictures of a bag or dataset for the page of a check: first, middle and last of every camera."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

import cv2

from segue_core.arrays import Rgb
from segue_core.errors import SegueError
from segue_data.bags.encoding import ImageCodec, picture
from segue_data.bags.reader import read
from segue_data.datasets.episodes import DatasetFiles, Episode
from segue_data.datasets.pictures import pictures

_HEIGHT = 96
_CODEC = ImageCodec(quality=80)


def moments(count: int) -> list[int]:
    """First, middle and last of so many; fewer of fewer than three."""
    return sorted({0, count // 2, count - 1}) if count > 0 else []


def _image(image: Rgb, title: str) -> str:
    height, width = image.shape[:2]
    size = (max(1, round(width * _HEIGHT / height)), _HEIGHT)
    data = _CODEC.encode(cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype("uint8"))
    source = base64.b64encode(data.tobytes()).decode()
    return f'<img class="thumb" alt="{title}" title="{title}" src="data:image/jpeg;base64,{source}">'


def _row(camera: str, images: Sequence[Rgb]) -> str:
    names = ("first", "middle", "last")[: len(images)]
    shown = (_image(image, f"{html.escape(camera)}, {n}") for image, n in zip(images, names, strict=True))
    return f"<figure>{''.join(shown)}<figcaption>{html.escape(camera)}</figcaption></figure>"


def of_bag(bag: Path, counts: dict[str, int]) -> str:
    """Of every image topic with so many messages; a picture that cannot be read is said in its place."""
    rows = []
    for topic, count in counts.items():
        wanted = moments(count)
        try:
            records = enumerate(read(bag, frozenset({topic})))
            images = [picture(r.message(), str(bag), topic) for i, r in records if i in wanted]
            rows.append(_row(topic, images))
        except SegueError as error:
            rows.append(f'<p class="bad">{html.escape(str(error))}</p>')
    return f'<div class="thumbs">{"".join(rows)}</div>'


def of_episode(files: DatasetFiles, episode: Episode) -> str:
    """Of every camera of an episode of a dataset."""
    rows = []
    for camera in files.about.cameras:
        try:
            rows.append(_row(camera, pictures(files, episode, camera, moments(episode.length))))
        except SegueError as error:
            rows.append(f'<p class="bad">{html.escape(str(error))}</p>')
    return f'<div class="thumbs">{"".join(rows)}</div>'
