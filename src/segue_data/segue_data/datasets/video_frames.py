"""Videos of a LeRobotDataset v3.0: where an episode's frames are in them, and decoding just those.

    videos/observation.images.CAMERA/chunk-000/file-000.mp4     several episodes one after the other
    meta/episodes/.../file-000.parquet                          per episode and camera: file, from_timestamp [s]
    frame k of an episode                                       the frame shown at from_timestamp + k / fps

Source: lerobot 0.4.4, `datasets/lerobot_dataset.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np

from segue_core.arrays import Rgb
from segue_core.files import regular
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.info import Camera
from segue_data.errors import invalid_dataset, missing
from segue_data.findings import Problem

_LONGEST_S = 1e7  # no video is longer


@dataclass(frozen=True)
class Film:
    """An episode's frames in a video file: the first one's number, counted in the dataset's rate."""

    file: Path
    first: int


def films_of(
    path: Path, row: Mapping[str, Any], views: Sequence[Camera], rate_hz: float
) -> tuple[dict[str, Film], list[str]]:
    """Films of an episode by camera, from its `row` of meta/episodes; and what is wrong with that, in words."""
    films, problems = {}, []
    for view in views:
        if not view.video:
            continue
        names = [f"videos/{view.key}/{name}" for name in ("chunk_index", "file_index", "from_timestamp")]
        chunk, number, begin = (row.get(name) for name in names)
        if not (isinstance(chunk, int) and isinstance(number, int) and chunk >= 0 and number >= 0):
            problems.append(f"{names[0]}, file_index are {chunk}, {number}, expected whole numbers")
        elif not isinstance(begin, int | float) or not 0 <= begin < _LONGEST_S:
            problems.append(f"{names[2]} is {begin}, expected seconds from 0 on")
        else:
            file = layout.VIDEO_PATH.format(video_key=view.key, chunk_index=chunk, file_index=number)
            films[view.name] = Film(path / file, round(begin * rate_hz))
    return films, problems


def film_problems(path: Path, episodes: Sequence[tuple[int, int, Mapping[str, Film]]]) -> list[Problem]:
    """Video files that are missing, and episodes (number, length, films) that would show the same frames."""
    taken: dict[Path, list[tuple[int, int, int]]] = {}
    for number, length, films in episodes:
        for film in films.values():
            taken.setdefault(film.file, []).append((film.first, number, length))
    problems = []
    for file, places in taken.items():
        name = str(file.relative_to(path))
        if not file.is_file():
            problems.append(Problem(f"{name}, episode {min(places)[1]}", "no such video"))
        places.sort()
        for (first, number, length), (following, other, _) in pairwise(places):
            if following < first + length:
                frames_there = f"frames {first} to {first + length - 1}"
                what = f"begins at frame {following}, where episode {number} is ({frames_there})"
                problems.append(
                    Problem(f"{name}, episode {other}", f"{what}: see from_timestamp in meta/episodes")
                )
    return problems


def frames(file: Path, rate_hz: float, first: int, last: int) -> Iterator[tuple[int, Rgb]]:
    """(number, picture) of the frames first .. last that the video has, in their order; decodes from a key frame on.

    Raises:
        DataError: the file is missing or corrupt.
    """
    try:
        with av.open(str(regular(file))) as container:
            stream = container.streams.video[0]
            if first > 0 and stream.time_base:
                container.seek(int((first - 0.5) / rate_hz / stream.time_base), stream=stream)
            for frame in container.decode(stream):
                number = round(float(frame.time) * rate_hz)
                if number > last:
                    return
                if number >= first:
                    yield number, np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
    except FileNotFoundError as error:
        raise missing(file, "no such video") from error
    except (OSError, av.FFmpegError, IndexError, TypeError, ValueError) as error:
        raise invalid_dataset(file, "video", f"{type(error).__name__}: {error}") from error


def shown(film: Film, view: Camera, rate_hz: float, rows: Sequence[int], episode: int) -> dict[int, Rgb]:
    """Pictures of an episode by row.

    Raises:
        DataError: naming file, episode and frame: the video lacks one, or its pictures are of another size.
    """
    wanted = {film.first + row: row for row in rows}
    found: dict[int, Rgb] = {}
    for number, picture in frames(film.file, rate_hz, min(wanted), max(wanted)) if wanted else ():
        if number in wanted:
            found[wanted[number]] = sized(
                picture, view, film.file, f"episode {episode}, frame {wanted[number]}"
            )
    if lacking := sorted(set(wanted.values()) - set(found)):
        raise too_short(film.file, episode, lacking)
    return found


def too_short(file: Path, episode: int, lacking: Sequence[int]) -> Exception:
    """The error for rows of an episode that a video does not show."""
    what = f"not in the video, {len(lacking)} frames in all; encode it anew, or leave the episode out"
    return invalid_dataset(file, f"episode {episode}, frame {lacking[0]}", what)


def sized(picture: Rgb, view: Camera, source: Path | str, place: str) -> Rgb:
    """`picture` if it has the size that info.json declares; DataError naming both otherwise."""
    if picture.shape != (view.height, view.width, 3):
        found = f"{picture.shape[1]}x{picture.shape[0]}"
        what = f"{found} pictures, {layout.INFO} declares {view.width}x{view.height} for {view.key}"
        raise invalid_dataset(source, place, f"{what}; correct its shape there")
    return picture
