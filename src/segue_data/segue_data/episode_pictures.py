"""Pictures of one episode of a dataset, whether its data files hold them or videos do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from segue_data import lerobot_format as layout
from segue_data.dataset import describe, read_table
from segue_data.encoding import decode
from segue_data.errors import invalid_dataset
from segue_data.videos import video_jobs

Rgb = NDArray[np.uint8]


def _from_table(file: Path, camera: str, rows: Sequence[int]) -> list[Rgb]:
    name = layout.IMAGE_PREFIX + camera
    data = read_table(file, [name]).column(name).combine_chunks().field("bytes")
    return [decode(data[row].as_py() or b"", str(file), f"{camera}, frame {row}") for row in rows]


def _from_video(dataset: Path, axis: int, start: int, rows: Sequence[int]) -> list[Rgb]:
    about = describe(dataset)
    for job in video_jobs(dataset, about.cameras, about.rate_hz):
        for first, begin, _ in job.episodes if job.axis == axis else ():
            if begin == start:
                return _decoded(job.file, job.rate_hz, [first + row for row in rows])
    raise invalid_dataset(dataset, f"videos, camera {about.cameras[axis]}", f"none for frame {start}")


def _decoded(file: Path, rate_hz: float, numbers: Sequence[int]) -> list[Rgb]:
    wanted, found = set(numbers), {}
    try:
        with av.open(str(file)) as container:
            for frame in container.decode(video=0):
                number = round(float(frame.time or 0.0) * rate_hz)
                if number in wanted:
                    found[number] = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
    except (OSError, av.FFmpegError) as error:
        raise invalid_dataset(file, "video", f"{type(error).__name__}: {error}") from error
    if lacking := wanted - set(found):
        raise invalid_dataset(file, f"frame {min(lacking)}", f"{len(lacking)} frames are not in the video")
    return [found[number] for number in numbers]


def pictures(dataset: Path, file: Path, camera: str, rows: Sequence[int]) -> list[Rgb]:
    """Pictures (height, width, 3) of `camera` at `rows` of the episode whose data file is `file`.

    Raises:
        DataError: a picture or video is missing or corrupt.
    """
    about = describe(dataset)
    if not about.videos:
        return _from_table(file, camera, rows)
    start = int(read_table(file, ["index"]).column("index")[0].as_py())
    return _from_video(dataset, about.cameras.index(camera), start, rows)
