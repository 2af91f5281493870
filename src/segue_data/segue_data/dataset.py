"""A LeRobotDataset v3.0 as memory-mapped arrays for training; decoded once, then opened in milliseconds."""

from __future__ import annotations

import hashlib
import json
import mmap
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_data import lerobot_format as layout
from segue_data.encoding import decode
from segue_data.errors import invalid_dataset, missing
from segue_data.parallel import run_all
from segue_data.videos import decode_video, video_jobs
from segue_perception.preprocess import resize

CACHE = ".cache"
_ARRAYS = ("images", "state", "action", "episode", "time_s")


@dataclass(frozen=True)
class EpisodeDataset:
    """Every frame of every episode; arrays are read-only and may live on disk.

    images (frames, cams, height, width, 3) uint8 RGB, state (frames, S) float32, action (frames, D) float32,
    episode (frames,) int64 non-decreasing, time_s (frames,) float32 since the episode's first tick.
    """

    images: NDArray[np.uint8]
    state: NDArray[np.float32]
    action: NDArray[np.float32]
    episode: NDArray[np.int64]
    time_s: NDArray[np.float32]
    cameras: tuple[str, ...]  # order of axis 1 of images
    action_space: ActionSpace
    rate_hz: float
    path: Path

    @property
    def episode_count(self) -> int:
        """Number of episodes."""
        return int(self.episode[-1]) + 1

    def bounds(self) -> NDArray[np.int64]:
        """First frame of every episode and the number of frames, (episodes + 1,)."""
        return np.searchsorted(self.episode, np.arange(self.episode_count + 1))


def read_json(path: Path) -> Any:
    """Parsed JSON file; DataError when it is missing or broken."""
    if not path.is_file():
        hint = "made by LeRobot? say whose it is: segue data adopt DATASET --robot NAME"
        hint = hint if path.name == Path(layout.OURS).name else "is this a LeRobotDataset v3.0?"
        raise missing(path, f"not there; {hint}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise invalid_dataset(path, "text", f"not JSON: {error}") from error


def data_files(path: Path) -> list[Path]:
    """Data files in frame order."""
    return sorted(path.glob("data/chunk-*/file-*.parquet"))


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A parquet file; DataError when it is corrupt."""
    try:
        chosen = list(columns) if columns else None
        return pq.read_table(path, columns=chosen, page_checksum_verification=True)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise invalid_dataset(path, "parquet", f"{type(error).__name__}: {error}") from error


def matrix(table: pa.Table, name: str, width: int, source: Path) -> NDArray[np.float32]:
    """Column `name` as (rows, width) float32; DataError when it has another width."""
    column = table.column(name).combine_chunks()
    flat = np.asarray(column.flatten(), dtype=np.float32)
    if flat.size != len(table) * width:
        raise invalid_dataset(
            source, name, f"got {flat.size} numbers in {len(table)} rows, expected width {width}"
        )
    return flat.reshape(-1, width)


def _fingerprint(path: Path, files: Sequence[Path], about: _Description) -> str:
    facts: list[Any] = [
        (str(f.relative_to(path)), f.stat().st_size, f.stat().st_mtime_ns)
        for f in [path / layout.INFO, *files]
    ]
    if about.size != (about.shape[1], about.shape[0]):
        facts.append(about.size)
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _decode_file(
    job: tuple[Path, int], images_file: Path, cameras: tuple[str, ...], stored: tuple[int, ...]
) -> None:
    source, start = job
    images = np.lib.format.open_memmap(images_file, mode="r+")
    table = read_table(source, [layout.IMAGE_PREFIX + camera for camera in cameras])
    for index, camera in enumerate(cameras):
        column = table.column(layout.IMAGE_PREFIX + camera).combine_chunks()
        for row, data in enumerate(column.field("bytes").to_pylist()):
            frame = decode(data, str(source), f"row {row}, {camera}")
            if frame.shape != stored:
                raise invalid_dataset(source, f"row {row}, {camera}", f"got {frame.shape}, expected {stored}")
            images[start + row, index] = resize(frame, (images.shape[3], images.shape[2]))
    images.flush()


@dataclass(frozen=True)
class _Description:
    cameras: tuple[str, ...]
    space: ActionSpace
    rate_hz: float
    shape: tuple[int, ...]  # of one image as it is stored
    size: tuple[int, int]  # (width, height) that it is read at
    videos: bool  # instead of pictures in the data files


def describe(path: Path) -> _Description:
    """What `meta/` says, checked against itself."""
    info, ours = read_json(path / layout.INFO), read_json(path / layout.OURS)
    try:
        space = ActionSpace.from_dict(ours["action_space"])
        cameras = tuple(str(name) for name in ours["cameras"])
        shapes = {tuple(info["features"][layout.IMAGE_PREFIX + camera]["shape"]) for camera in cameras}
        width = info["features"][layout.ACTION]["shape"]
        kinds = {info["features"][layout.IMAGE_PREFIX + camera]["dtype"] for camera in cameras}
    except (KeyError, TypeError) as error:
        raise invalid_dataset(path, "meta", f"missing or wrong: {error}") from error
    if len(shapes) != 1 or list(width) != [space.dim] or len(kinds) != 1:
        what = f"image shapes {shapes} of {kinds}, action shape {width}, action space {space.dim}-D"
        raise invalid_dataset(path, "meta", what)
    shape = shapes.pop()
    columns, rows = ours.get("image_size") or (shape[1], shape[0])
    return _Description(
        cameras, space, float(ours["rate_hz"]), shape, (columns, rows), kinds.pop() == "video"
    )


def _build_vectors(files: Sequence[Path], width: int, folder: Path) -> list[int]:
    columns = [layout.STATE, layout.ACTION, "episode_index", "timestamp"]
    tables = [(path, read_table(path, columns)) for path in files]
    np.save(folder / "state.npy", np.concatenate([matrix(t, layout.STATE, width, p) for p, t in tables]))
    np.save(folder / "action.npy", np.concatenate([matrix(t, layout.ACTION, width, p) for p, t in tables]))
    for name, column in (("episode", "episode_index"), ("time_s", "timestamp")):
        np.save(folder / f"{name}.npy", np.concatenate([t.column(column).to_numpy() for _, t in tables]))
    return [len(table) for _, table in tables]


def _build(about: _Description, files: Sequence[Path], target: Path, *, workers: int, progress: bool) -> None:
    working = target.with_name(target.name + ".partial")
    shutil.rmtree(working, ignore_errors=True)
    working.mkdir(parents=True)
    lengths = _build_vectors(files, about.space.dim, working)
    starts = np.cumsum([0, *lengths]).tolist()
    width, height = about.size
    shape = (starts[-1], len(about.cameras), height, width, 3)
    np.lib.format.open_memmap(working / "images.npy", mode="w+", dtype=np.uint8, shape=shape).flush()
    pictures, how = working / "images.npy", {"workers": workers, "label": "decoding", "progress": progress}
    if about.videos:
        films = video_jobs(target.parents[1], about.cameras, about.rate_hz)
        run_all(partial(decode_video, images_file=pictures), films, unit="video", **how)  # type: ignore[arg-type]
    else:
        decode_one = partial(_decode_file, images_file=pictures, cameras=about.cameras, stored=about.shape)
        jobs = list(zip(files, starts, strict=False))
        run_all(decode_one, jobs, unit="file", **how)  # type: ignore[arg-type]
    working.replace(target)


def _expect_random_reads(images: NDArray[np.uint8]) -> None:
    """Training shuffles frames: without this the kernel reads megabytes ahead of each of them."""
    if isinstance(images, np.memmap) and images._mmap is not None:  # type: ignore[attr-defined]
        images._mmap.madvise(mmap.MADV_RANDOM)  # type: ignore[attr-defined]


def load(path: Path | str, *, workers: int = 2, progress: bool = True) -> EpisodeDataset:
    """Open the dataset at `path`; the first time decodes its images into `path/.cache`.

    Raises:
        DataError: files are missing, corrupt or contradict each other.
    """
    path = Path(path)
    about, files = describe(path), data_files(path)
    total = read_json(path / layout.INFO)["total_frames"]
    if not files:
        raise missing(path, "no data files")
    cache = path / CACHE / _fingerprint(path, files, about)
    if not cache.is_dir():
        shutil.rmtree(path / CACHE, ignore_errors=True)
        _build(about, files, cache, workers=workers, progress=progress)
    arrays = {name: np.load(cache / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
    _expect_random_reads(arrays["images"])
    if len(arrays["action"]) != total or np.any(np.diff(arrays["episode"]) < 0):
        raise invalid_dataset(path, "data", f"{len(arrays['action'])} frames, {layout.INFO} says {total}")
    return EpisodeDataset(
        **arrays, cameras=about.cameras, action_space=about.space, rate_hz=about.rate_hz, path=path
    )
