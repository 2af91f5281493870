"""Pictures of one episode of a dataset, wherever they are: in its data files, in files beside them, or in videos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa

from segue_core.arrays import Rgb
from segue_core.files import read_bytes
from segue_data.bags.encoding import decode
from segue_data.datasets.episodes import DatasetFiles, Episode
from segue_data.datasets.info import Camera
from segue_data.datasets.parquet import batches
from segue_data.datasets.video_frames import Film, frames, shown, sized, too_short
from segue_data.errors import invalid_dataset


def stored(
    files: DatasetFiles, episode: Episode, view: Camera, rows: Sequence[int] | None = None
) -> Iterator[tuple[int, bytes]]:
    """(row of the episode, compressed picture) of `rows` (all if not given), of a camera that is no video.

    Raises:
        DataError: naming file, episode, frame and camera: no picture there, nor in the file that is named.
    """
    wanted, at = None if rows is None else set(rows), 0
    for part in episode.parts:
        for first, batch in batches(part.file, [view.key], part.first, part.length):
            column = batch.column(0)
            for offset in range(len(batch)):
                row = at + first - part.first + offset
                if wanted is None or row in wanted:
                    place = f"episode {episode.number}, frame {row}, camera {view.name}"
                    yield row, _bytes(column, offset, files.path, part.file, place)
        at += part.length


def _bytes(column: pa.Array, row: int, dataset: Path, source: Path, place: str) -> bytes:
    value: Any = column[row].as_py()
    if isinstance(value, bytes):
        return value
    entry = value if isinstance(value, dict) else {"path": value}
    data, name = entry.get("bytes"), entry.get("path")
    if isinstance(data, bytes) and data:
        return data
    if not isinstance(name, str) or not name:
        raise invalid_dataset(source, place, f"{column.type} with neither bytes nor a path of a picture")
    file = _beside(dataset, name)
    if file is None:
        what = f"the picture is not embedded, and its file {name} is not in {dataset}; copy it there, or embed it"
        raise invalid_dataset(source, place, what)
    try:
        return read_bytes(file)
    except OSError as error:
        raise invalid_dataset(source, place, str(error)) from error


def _beside(dataset: Path, name: str) -> Path | None:
    """The picture's file inside the dataset; a path of another machine is taken from its last `images` on."""
    path = PurePosixPath(name)
    tails = [at for at, part in enumerate(path.parts) if part == "images"]
    tried = [path] if not path.is_absolute() else []
    tried += [PurePosixPath(*path.parts[tails[-1] :])] if tails else []
    inside = (dataset / part for part in tried if ".." not in part.parts)
    return next((file for file in inside if file.is_file()), None)


def pictures(files: DatasetFiles, episode: Episode, camera: str, rows: Sequence[int]) -> list[Rgb]:
    """Pictures (height, width, 3) of `camera` at `rows` of the episode, as they are stored.

    Raises:
        DataError: a picture or video is missing, corrupt, or of another size than info.json declares.
    """
    view = next(view for view in files.about.views if view.name == camera)
    if view.video:
        found = shown(_film(files, episode, view), view, files.about.rate_hz, rows, episode.number)
    else:
        found = {row: _decoded(data, view, episode, row) for row, data in stored(files, episode, view, rows)}
    return [found[row] for row in rows]


def _decoded(data: bytes, view: Camera, episode: Episode, row: int) -> Rgb:
    source = str(episode.parts[0].file)
    place = f"episode {episode.number}, frame {row}, camera {view.name}"
    return sized(decode(data, source, place), view, source, place)


def _film(files: DatasetFiles, episode: Episode, view: Camera) -> Film:
    if view.name not in episode.films:
        place = f"meta/episodes, episode {episode.number}"
        raise invalid_dataset(files.path, place, f"does not say where its video of {view.name} is")
    return episode.films[view.name]


def all_pictures(files: DatasetFiles, episode: Episode, view: Camera) -> Iterator[tuple[int, Rgb]]:
    """(row, picture) of every row of an episode, in their order; raises as `pictures` does."""
    if not view.video:
        for row, data in stored(files, episode, view):
            yield row, _decoded(data, view, episode, row)
        return
    film, seen = _film(files, episode, view), -1
    for number, picture in frames(
        film.file, files.about.rate_hz, film.first, film.first + episode.length - 1
    ):
        row = number - film.first
        if row == seen:  # two frames of the video round to one of the dataset
            continue
        if row != seen + 1:
            raise too_short(film.file, episode.number, range(seen + 1, row))
        seen = row
        yield row, sized(picture, view, film.file, f"episode {episode.number}, frame {row}")
    if seen != episode.length - 1:
        raise too_short(film.file, episode.number, range(seen + 1, episode.length))


def changes(files: DatasetFiles, episode: Episode, view: Camera) -> list[float]:
    """Mean change of a pixel [grey levels] from each picture of an episode to the next, (frames - 1,)."""
    pairs = pairwise(picture for _, picture in all_pictures(files, episode, view))
    return [float(np.abs(a.astype(np.int16) - b).mean()) for a, b in pairs]
