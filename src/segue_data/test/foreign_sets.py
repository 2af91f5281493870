"""Datasets as LeRobot and its kin lay them out: several episodes per file, without Segue's own file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from segue_core.contracts.robot import RobotConfig
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.bag_to_rows import EpisodeArrays
from segue_data.datasets.video_writer import write_video
from segue_data.datasets.writer import ConversionOptions, EpisodeJob, write_arrays, write_meta

SIZE = (32, 24)  # (width, height)
LENGTHS = (5, 4, 6)
Edit = Callable[[Any], None]
Frames = Sequence[EpisodeArrays]


def frames_of(robot: RobotConfig, lengths: Sequence[int] = LENGTHS, seed: int = 0) -> list[EpisodeArrays]:
    """Episodes of slow motion; every picture is a ramp that tells camera, episode and frame apart."""
    rng, space = np.random.default_rng(seed), robot.action_space
    ramp = np.add.outer(np.arange(SIZE[1]), np.arange(SIZE[0]))
    episodes = []
    for number, length in enumerate(lengths):
        path = space.clip(0.002 * np.cumsum(rng.uniform(-1, 1, (length + 1, space.dim)), axis=0)).astype(
            np.float32
        )
        shades = 40 * number + 4 * np.arange(length)[:, None] + 20 * np.arange(len(robot.cameras))
        images = np.clip(shades[:, :, None, None] + ramp, 0, 255).astype(np.uint8)
        colours = np.stack([images, 255 - images, images // 2], axis=-1)
        episodes.append(EpisodeArrays(colours, path[:-1], path[1:], np.arange(length) / robot.tick_rate_hz))
    return episodes


def write_foreign(
    out: Path,
    robot: RobotConfig,
    episodes: Frames,
    *,
    videos: bool = False,
    meta_files: int = 1,
    edit_info: Edit = lambda info: None,
    edit_rows: Edit = lambda rows: None,
    edit_table: Callable[[pa.Table], pa.Table] = lambda table: table,
) -> Path:
    """All episodes in one data file (and one video per camera); `edit_...` change what is written."""
    options = ConversionOptions(size=SIZE, videos=videos)
    starts = np.cumsum([0, *(len(e.action) for e in episodes)]).tolist()
    jobs = [
        EpisodeJob(Path(f"x{n}"), out, n, f"task {n % 2}", n % 2, n, starts[n], len(episode.action))
        for n, episode in enumerate(episodes)
    ]
    write_meta(
        robot,
        options,
        jobs,
        [write_arrays(j, robot, options, e) for j, e in zip(jobs, episodes, strict=True)],
    )
    (out / layout.OURS).unlink()
    files = sorted(out.glob("data/*/*.parquet"))
    table = pa.concat_tables([pq.read_table(file) for file in files])
    for file in files[1:]:
        file.unlink()
    pq.write_table(edit_table(table), files[0])
    if videos:
        _one_video(out, robot, episodes)
    _rows(out, starts, robot.tick_rate_hz if videos else 0.0, list(robot.cameras), meta_files, edit_rows)
    info = json.loads((out / layout.INFO).read_text())
    edit_info(info)
    (out / layout.INFO).write_text(json.dumps(info))
    return out


def _one_video(out: Path, robot: RobotConfig, episodes: Frames) -> None:
    for axis, camera in enumerate(robot.cameras):
        folder = out / "videos" / f"{layout.IMAGE_PREFIX}{camera}" / "chunk-000"
        for file in folder.iterdir():
            file.unlink()
        whole = np.concatenate([episode.images[:, axis] for episode in episodes])
        write_video(
            folder / "file-000.mp4", whole, np.arange(len(whole)) / robot.tick_rate_hz, robot.tick_rate_hz
        )


def _rows(
    out: Path, starts: Sequence[int], video_rate_hz: float, cameras: Sequence[str], files: int, edit: Edit
) -> None:
    path = out / layout.EPISODES.format(chunk=0, file=0)
    rows = pq.read_table(path).to_pylist()
    for row, start in zip(rows, starts, strict=False):
        row |= {"data/chunk_index": 0, "data/file_index": 0}
        for camera in cameras if video_rate_hz else ():
            key = f"videos/{layout.IMAGE_PREFIX}{camera}"
            begin = start / video_rate_hz
            row |= {f"{key}/file_index": 0, f"{key}/from_timestamp": begin}
            row |= {f"{key}/to_timestamp": begin + row["length"] / video_rate_hz}
    edit(rows)
    for number, part in enumerate(np.array_split(np.arange(len(rows)), files)):
        chosen = [rows[index] for index in part]
        pq.write_table(pa.Table.from_pylist(chosen), path.with_name(f"file-{number:03d}.parquet"))


def replaced(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """`table` with another column `name`."""
    return table.set_column(table.schema.get_field_index(name), name, values)


def changed(table: pa.Table, name: str, row: int, entry: int, value: float) -> pa.Table:
    """`table` with one number of a vector changed."""
    rows: NDArray[np.float32] = np.array(table.column(name).to_pylist(), dtype=np.float32)
    rows[row, entry] = value
    return replaced(table, name, layout.vector_column(rows))


def axes_first(info: dict[str, Any], cameras: Mapping[str, Any]) -> None:
    """Declare pictures as [3, height, width], with these names of the axes by camera."""
    for camera, names in cameras.items():
        info["features"][layout.IMAGE_PREFIX + camera] |= {"shape": [3, SIZE[1], SIZE[0]], "names": names}
