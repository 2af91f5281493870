"""A LeRobotDataset v3.0 as memory-mapped arrays for training; decoded once, then opened in milliseconds."""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.errors import unknown_name
from segue_core.files import read_array
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.episodes import DatasetFiles, Episode, data_files, open_dataset
from segue_data.datasets.info import Description, describe
from segue_data.datasets.label_files import LabelRows, labelled
from segue_data.datasets.picture_cache import cached
from segue_data.datasets.pictures import all_pictures, pictures
from segue_data.datasets.values import refuse_values
from segue_data.errors import missing
from segue_data.parallel import run_all
from segue_data.storage.arrays import new_array, save_array
from segue_perception.preprocess import resize

_ARRAYS = ("images", "state", "action", "episode", "time_s")
_FEW = 2000  # pictures; starting processes takes longer than decoding fewer
_CACHE_VERSION = 2  # goes up when the same files would be read as other arrays


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
    files_key: str  # digest of the files that it was read from
    cache: Path | None  # where decoded pictures were asked to be

    @property
    def episode_count(self) -> int:
        """Number of episodes."""
        return int(self.episode[-1]) + 1

    def keep(self, name: str, build: Callable[[Path], None]) -> Path:
        """The folder `name` beside the decoded pictures, filled by `build` now or before, of these files only.

        Raises:
            DataError: as `picture_cache.cached`, and what `build` raises.
        """
        return cached(self.path, f"{self.files_key}-{name}", build, self.cache)

    def bounds(self) -> NDArray[np.int64]:
        """First frame of every episode and the number of frames, (episodes + 1,)."""
        return np.searchsorted(self.episode, np.arange(self.episode_count + 1))

    def label(self, name: str, **settings: Any) -> Mapping[str, NDArray[Any]]:
        """Columns of the labels `name`, each (frames, ...), computed once and kept in the dataset's `labels/`.

        Raises:
            ConfigError: no such label or setting, with those there are. DataError: a file that is damaged.
        """
        rows = LabelRows(
            np.asarray(self.state), np.asarray(self.action), self.episode, self.action_space, self.rate_hz
        )
        return labelled(self.path, rows, name, settings)

    def instruction(self, episode: int) -> str:
        """What an episode was told to do, in words; empty where the dataset does not say."""
        return self._files.episodes[episode].task

    def pictures(self, frames: Sequence[int], camera: str) -> NDArray[np.uint8]:
        """Pictures of one camera at some frames, (n, height, width, 3), read as they are stored and at their own size.

        Raises:
            ConfigError: no such camera. DataError: a picture that is missing or corrupt.
        """
        if camera not in self.cameras:
            raise unknown_name("camera", camera, self.cameras)
        wanted = np.asarray(frames, dtype=np.int64)
        starts = self.bounds()
        found: dict[int, NDArray[np.uint8]] = {}
        for number in np.unique(self.episode[wanted]).tolist():
            episode = self._files.episodes[number]
            mine = np.unique(wanted[self.episode[wanted] == number])
            shown = pictures(self._files, episode, camera, (mine - starts[number]).tolist())
            found.update(zip(mine.tolist(), shown, strict=True))
        return np.stack([found[frame] for frame in wanted.tolist()])

    @cached_property
    def _files(self) -> DatasetFiles:
        return open_dataset(self.path)


def _key(path: Path, about: Description) -> str:
    """Digest of the files that decide what is read, and one of how they are read."""
    read = [path / layout.INFO, *data_files(path), *sorted(path.glob("meta/episodes/*/*.parquet"))]
    for view in about.views:
        read += sorted(path.glob(f"videos/{view.key}/*/*.mp4"))
    read += sorted(file for file in (path / "images").rglob("*") if file.is_file())
    try:
        stats = [(file, file.stat()) for file in read]
    except OSError as error:  # a link that leads nowhere, or round in a circle
        raise missing(path, f"{error.filename} cannot be read: {error.strerror}") from error
    facts = [(str(file.relative_to(path)), found.st_size, found.st_mtime_ns) for file, found in stats]
    how = [_CACHE_VERSION, about.cameras, about.size]
    return "-".join(hashlib.sha256(json.dumps(part).encode()).hexdigest()[:16] for part in (facts, how))


def _decode(episode: Episode, files: DatasetFiles, images_file: Path) -> None:
    images = np.lib.format.open_memmap(images_file, mode="r+")
    for axis, view in enumerate(files.about.views):
        for row, picture in all_pictures(files, episode, view):
            images[episode.start + row, axis] = resize(picture, files.about.size)
    images.flush()


def _build(folder: Path, path: Path, workers: int, bar: bool) -> None:
    files = open_dataset(path)
    refuse_values(files)
    about = files.about
    save_array(folder / "state.npy", np.concatenate(files.rows(layout.STATE)))
    save_array(folder / "action.npy", np.concatenate(files.rows(layout.ACTION)))
    save_array(folder / "episode.npy", np.concatenate(files.numbers("episode_index")).astype(np.int64))
    save_array(folder / "time_s.npy", np.concatenate(files.numbers("timestamp")).astype(np.float32))
    frames = sum(episode.length for episode in files.episodes)
    width, height = about.size
    new_array(folder / "images.npy", np.uint8, (frames, len(about.views), height, width, 3))
    decode = partial(_decode, files=files, images_file=folder / "images.npy")
    workers = 1 if frames * len(about.views) < _FEW else workers
    run_all(decode, files.episodes, workers=workers, label="decoding", unit="episode", bar=bar)


def _expect_random_reads(images: NDArray[np.uint8]) -> None:
    """Training shuffles frames: without this the kernel reads megabytes ahead of each of them."""
    if isinstance(images, np.memmap) and images._mmap is not None:  # type: ignore[attr-defined]
        images._mmap.madvise(mmap.MADV_RANDOM)  # type: ignore[attr-defined]


def load(
    path: Path | str, *, workers: int = 2, bar: bool = True, cache: Path | None = None
) -> EpisodeDataset:
    """Open the dataset at `path`; the first time decodes its images, see `picture_cache` (`cache`: where to).

    Raises:
        DataError: files are missing, corrupt or contradict each other, a number is not finite, or there is no room.
    """
    path = Path(path)
    about = describe(path)
    if not data_files(path):
        raise missing(path, "no data files")
    build = partial(_build, path=path, workers=workers, bar=bar)
    key = _key(path, about)
    folder = cached(path, key, build, cache)
    arrays = {name: read_array(folder / f"{name}.npy") for name in _ARRAYS}
    _expect_random_reads(arrays["images"])
    return EpisodeDataset(
        **arrays,
        cameras=about.cameras,
        action_space=about.space,
        rate_hz=about.rate_hz,
        path=path,
        files_key=key.split("-", maxsplit=1)[0],
        cache=cache,
    )
