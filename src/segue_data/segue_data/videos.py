"""Pictures of a LeRobotDataset v3.0 in video mode: where each episode's frames are, and decoding them in order.

    videos/observation.images.CAMERA/chunk-000/file-000.mp4     several episodes one after the other
    meta/episodes/.../file-000.parquet                          per episode and camera: file, from_timestamp [s]
    frame k of an episode                                       the frame shown at from_timestamp + k / fps

Source: lerobot 0.4.4, `datasets/lerobot_dataset.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from segue_data import lerobot_format as layout
from segue_data.errors import invalid_dataset, missing
from segue_perception.preprocess import resize

FILE = "videos/{key}/chunk-{chunk:03d}/file-{file:03d}.mp4"


@dataclass(frozen=True)
class VideoJob:
    """One video file: camera number `axis`, and for each of its episodes (first frame shown, first row, length)."""

    file: Path
    axis: int
    rate_hz: float
    episodes: tuple[tuple[int, int, int], ...]


def video_jobs(path: Path, cameras: tuple[str, ...], rate_hz: float) -> list[VideoJob]:
    """The files of the cameras that are videos; DataError when the episodes do not say where they are."""
    tables = [pq.read_table(file) for file in sorted(path.glob("meta/episodes/chunk-*/file-*.parquet"))]
    if not tables:
        raise missing(path, "no meta/episodes")
    rows = pa.concat_tables(tables, promote_options="default").to_pylist()
    found: dict[tuple[Path, int], list[tuple[int, int, int]]] = {}
    for axis, camera in enumerate(cameras):
        key = layout.IMAGE_PREFIX + camera
        for row in rows:
            try:
                chunk, number = row[f"videos/{key}/chunk_index"], row[f"videos/{key}/file_index"]
                first = round(row[f"videos/{key}/from_timestamp"] * rate_hz)
                place = (first, row["dataset_from_index"], row["length"])
            except (KeyError, TypeError) as error:
                raise invalid_dataset(path, f"meta/episodes, {key}", f"missing or wrong: {error}") from error
            file = path / FILE.format(key=key, chunk=chunk, file=number)
            found.setdefault((file, axis), []).append(place)
    return [VideoJob(file, axis, rate_hz, tuple(sorted(places))) for (file, axis), places in found.items()]


def decode_video(job: VideoJob, images_file: Path) -> None:
    """Write the frames of one file into the array of all pictures (frames, cameras, h, w, 3).

    Raises:
        DataError: the file is missing or corrupt, or an episode's frame is not in it.
    """
    images = np.lib.format.open_memmap(images_file, mode="r+")
    height, width = images.shape[2:4]
    rows = {first + k: start + k for first, start, length in job.episodes for k in range(length)}
    try:
        with av.open(str(job.file)) as container:
            for frame in container.decode(video=0):
                row = rows.pop(round(float(frame.time) * job.rate_hz), None)
                if row is not None:
                    picture = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
                    images[row, job.axis] = resize(picture, (width, height))
    except FileNotFoundError as error:
        raise missing(job.file, "no such video") from error
    except (av.FFmpegError, TypeError, ValueError) as error:
        raise invalid_dataset(job.file, "video", f"{type(error).__name__}: {error}") from error
    if rows:
        raise invalid_dataset(job.file, f"frame {min(rows)}", f"{len(rows)} frames are not in the video")
    images.flush()
