"""Feature maps of a frozen trunk on the disk: every so-manieth frame of the demonstrations, in several views.

    row   0          1          2          ...
    frame 0          every      2 every           view 0 plain, views 1 ... V-1 shifted and relit

With a history a row has the maps of all observations that a sample at its frame is shown, in one light and place.

A cache is complete or not there (`keep` of the dataset), and says what it was made of: another dataset, trunk or
setting is refused by name.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from segue_core.errors import DataError, ErrorCode
from segue_core.figures import size, told_apart
from segue_core.files import read_array, read_json
from segue_policies.samples.augmentation import jitter, shift
from segue_policies.samples.demonstrations import Demonstrations, frames_shown
from segue_policies.training.config import TrainingConfig
from segue_policies.training.run_state import write_atomically
from segue_policies.training.seeds import RandomStream, numpy_rng, torch_rng
from segue_policies.vision.config import EncoderConfig, Given
from segue_policies.vision.picture_encoder import TrunkEncoder

ARRAY, ABOUT = "features.npy", "features.json"
_BLOCK = 32  # frames
_SPARE = 0.5e9  # bytes that a disk keeps free


@runtime_checkable
class Keeper(Protocol):
    """Demonstrations that have a place on the disk for what is computed from them."""

    def keep(self, name: str, build: Callable[[Path], None]) -> Path:
        """The folder `name` beside the decoded pictures, filled by `build` now or before; complete or not there."""
        ...


@dataclass(frozen=True, eq=False)
class FeatureCache:
    """Maps `(rows, V, cameras, C, h, w)`, half precision, memory-mapped where they are on a disk.

    With a history `(rows, V, T, cameras, C, h, w)`.
    """

    maps: NDArray[np.float16]
    every: int

    def __getitem__(self, frames: NDArray[np.int64]) -> NDArray[np.float16]:
        """The plain views of `frames` (n,), which are multiples of `every`."""
        return np.asarray(self.maps[frames // self.every, 0])

    def drawn(self, frames: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float16]:
        """One view of each of `frames` (n,), drawn."""
        return np.asarray(self.maps[frames // self.every, rng.integers(self.maps.shape[1], size=len(frames))])

    def has(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of `frames` that are in it."""
        there: NDArray[np.int64] = frames[frames % self.every == 0]
        return there


def cached_features(
    data: Demonstrations,
    picture_encoder: TrunkEncoder,
    given: Given,
    encoder: EncoderConfig,
    training: TrainingConfig,
    history: Sequence[int] = (0,),
) -> FeatureCache:
    """The maps of `data`, made now or before, of samples that are shown the observations of `history`.

    Raises:
        DataError: they would need more than `encoder.disk_gb` or than the disk has, the disk fills all the same, or
            what is there was made of something else.
    """
    shown = frames_shown(data, np.arange(0, len(data.images), encoder.every), history)
    times = shown.shape[1:]
    shape = (len(shown), encoder.views, *times, len(data.cameras), given.channels, *given.size[::-1])
    _refuse_size(shape, encoder)
    about = _about(data, shown, picture_encoder, shape, encoder, training)
    if not isinstance(data, Keeper):
        in_memory = np.empty(shape, np.float16)
        _fill(in_memory, data, shown, picture_encoder, encoder, training)
        return FeatureCache(in_memory, encoder.every)
    name = "features-" + hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]

    def build(folder: Path) -> None:
        _fill(_room(folder / ARRAY, shape), data, shown, picture_encoder, encoder, training)
        write_atomically(folder / ABOUT, json.dumps(about, indent=1).encode())

    folder = data.keep(name, build)
    _refuse_other(folder, about)
    return FeatureCache(_maps(folder, shape), encoder.every)


def encode_all(images: NDArray[np.uint8], picture_encoder: TrunkEncoder) -> NDArray[np.float16]:
    """Plain maps of pictures (n, cameras, h, w, 3), in memory."""
    blocks = [images[first : first + _BLOCK] for first in range(0, len(images), _BLOCK)]
    return np.concatenate([_look(np.asarray(block), picture_encoder) for block in blocks])


def _fill(
    maps: NDArray[np.float16],
    data: Demonstrations,
    shown: NDArray[np.int64],
    picture_encoder: TrunkEncoder,
    encoder: EncoderConfig,
    training: TrainingConfig,
) -> None:
    blocks = range(0, len(shown), _BLOCK)
    for number, first in enumerate(tqdm(blocks, desc="feature maps", unit="block", mininterval=2.0)):
        block = slice(first, first + _BLOCK)
        pictures = np.asarray(data.images[shown[block]])
        rng, generator = numpy_rng(0, RandomStream.VIEWS, number), torch_rng(0, RandomStream.VIEWS, number)
        maps[block, 0] = _look(pictures, picture_encoder)
        for view in range(1, encoder.views):
            moved = torch.from_numpy(shift(pictures, training.shift_pixels, rng))
            relit = jitter(picture_encoder.normalise(moved), training.brightness, training.colour, generator)
            maps[block, view] = picture_encoder.encode(relit).half().numpy()
    if isinstance(maps, np.memmap):
        maps.flush()


def _look(pictures: NDArray[np.uint8], picture_encoder: TrunkEncoder) -> NDArray[np.float16]:
    found: NDArray[np.float16] = (
        picture_encoder.encode(picture_encoder.normalise(torch.from_numpy(pictures))).half().numpy()
    )
    return found


def _about(
    data: Demonstrations,
    shown: NDArray[np.int64],
    picture_encoder: TrunkEncoder,
    shape: tuple[int, ...],
    encoder: EncoderConfig,
    training: TrainingConfig,
) -> dict[str, Any]:
    """What decides the maps, in words for a person."""
    pictures = hashlib.sha256()
    for frame in shown.flat:
        pictures.update(np.ascontiguousarray(data.images[frame]).tobytes())
    return {
        "pictures": pictures.hexdigest(),
        "trunk": picture_encoder.record.digest,
        "shape": list(shape),
        "enlarge": encoder.enlarge,
        "every": encoder.every,
        "views": [training.shift_pixels, training.brightness, training.colour] if encoder.views > 1 else [],
    }


def _refuse_size(shape: tuple[int, ...], encoder: EncoderConfig) -> None:
    needed, allowed = told_apart(_bytes(shape) / 1e9, encoder.disk_gb, 1)
    if _bytes(shape) / 1e9 > encoder.disk_gb:
        raise DataError(
            ErrorCode.DATA_DISK,
            f"the feature maps of {shape[0]} frames in {shape[1]} views",
            got=f"{needed} GB",
            expected=f"at most encoder.disk_gb, {allowed} GB",
            do="raise encoder.every (fewer frames), lower encoder.views, or raise encoder.disk_gb",
        )


def _room(file: Path, shape: tuple[int, ...]) -> NDArray[np.float16]:
    """A new array on the disk, all of its room taken: writing into it cannot fail any more."""
    needed, free = _bytes(shape), shutil.disk_usage(file.parent).free
    do = "make room, raise encoder.every, lower encoder.views, or choose another place with cache=DIR"
    if needed + _SPARE > free:
        most, room = told_apart((needed + _SPARE) / 1e9, free / 1e9, 1)
        text = f"{file.parent}: {most} GB for the feature maps, {room} GB free"
        raise DataError(ErrorCode.DATA_DISK, text, do=do)
    try:
        array = np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=shape)
        with file.open("r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
    except OSError as error:
        text = f"{file}: {size(needed)} of feature maps cannot be written: {error.strerror}"
        raise DataError(ErrorCode.DATA_DISK, text, do=do) from error
    return array


def _refuse_other(folder: Path, about: dict[str, Any]) -> None:
    try:
        there = read_json(folder / ABOUT)
        differs = [
            f"{name}: {there.get(name)}, expected {value}"
            for name, value in about.items()
            if there.get(name) != value
        ]
    except (OSError, ValueError, AttributeError) as error:
        differs = [repr(error)]
    if differs:
        text = f"{folder}: feature maps of something else: {'; '.join(differs)}"
        raise DataError(ErrorCode.DATA_DATASET_INVALID, text, do=f"remove {folder}; they are made again")


def _maps(folder: Path, shape: tuple[int, ...]) -> NDArray[np.float16]:
    try:
        maps = read_array(folder / ARRAY)
        if maps.dtype != np.float16 or maps.shape != shape:
            raise ValueError(f"{folder / ARRAY}: got {maps.dtype} {maps.shape}, expected float16 {shape}")
    except (OSError, ValueError) as error:
        do = f"remove {folder}; they are made again"
        raise DataError(ErrorCode.DATA_DATASET_INVALID, str(error), do=do) from error
    return maps


def _bytes(shape: tuple[int, ...]) -> float:
    return float(np.prod(shape, dtype=float) * np.dtype(np.float16).itemsize)
