"""Training samples from demonstrations: an observation and the H actions that follow it.

episode            |------------------------------e|
sample at frame n            o_n
actions                      a_n ... a_e a_e a_e       rows past the end repeat the last action
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from segue_core.action_space import ActionSpace
from segue_core.contracts.base import StrictModel
from segue_core.errors import DataError, ErrorCode
from segue_core.files import read_written


class Demonstrations(Protocol):
    """What `segue_data.datasets.dataset.load` gives; arrays may be memory-mapped."""

    @property
    def images(self) -> NDArray[np.uint8]:
        """(F, cameras, h, w, 3) RGB."""
        ...

    @property
    def state(self) -> NDArray[np.float32]:
        """(F, S), measured."""
        ...

    @property
    def action(self) -> NDArray[np.float32]:
        """(F, D), commanded."""
        ...

    @property
    def episode(self) -> NDArray[np.int64]:
        """(F,), non-decreasing."""
        ...

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names along axis 1 of `images`."""
        ...

    @property
    def action_space(self) -> ActionSpace:
        """What the D numbers mean."""
        ...

    @property
    def rate_hz(self) -> float:
        """Frames per second."""
        ...

    def label(self, name: str, **settings: Any) -> Mapping[str, NDArray[Any]]:
        """Columns of computed labels, each (F, ...), such as `progress`; `segue_data.datasets.label_files` has them."""
        ...

    def instruction(self, episode: int) -> str:
        """What an episode was told to do, in words; empty: not said."""
        ...

    def pictures(self, frames: Sequence[int], camera: str) -> NDArray[np.uint8]:
        """Pictures (n, h, w, 3) of one camera at its own size, read when they are asked for."""
        ...


def frames_shown(
    data: Demonstrations, frames: NDArray[np.int64], history: Sequence[int]
) -> NDArray[np.int64]:
    """Frames of the observations of samples at `frames` (n,): the same, or (n, T), newest last, with a `history`.

    Before an episode's first frame there is only the first.
    """
    if tuple(history) == (0,):
        return frames
    episode = np.asarray(data.episode)
    first = np.searchsorted(episode, episode[frames])
    seen: NDArray[np.int64] = np.maximum(frames[:, None] + np.array(history), first[:, None])
    return seen


def check_demonstrations(data: Demonstrations) -> None:
    """Refuse arrays that do not fit each other or the action space.

    Raises:
        DataError: DATA_DATASET_INVALID, naming what is wrong.
    """
    frames = len(data.action)
    lengths = {"images": len(data.images), "state": len(data.state), "episode": len(data.episode)}
    problems = [
        f"{name} has {length} frames, action has {frames}"
        for name, length in lengths.items()
        if length != frames
    ]
    if data.action.ndim != 2 or data.action.shape[1] != data.action_space.dim:
        problems.append(
            f"action is {data.action.shape}, action space {data.action_space.name} is {data.action_space.dim}-D"
        )
    if data.images.ndim != 5 or data.images.shape[1] != len(data.cameras) or data.images.dtype != np.uint8:
        problems.append(f"images are {data.images.dtype} {data.images.shape}, cameras {data.cameras}")
    if data.rate_hz != data.action_space.rate_hz:
        problems.append(f"rate is {data.rate_hz} Hz, action space says {data.action_space.rate_hz} Hz")
    problems += ["no frames"] if frames == 0 else []
    problems += _not_finite(data) if not problems else []
    if np.any(np.diff(data.episode) < 0):
        problems.append("episode numbers go back")
    if problems:
        raise DataError(ErrorCode.DATA_DATASET_INVALID, "demonstrations: " + "; ".join(problems))


def _not_finite(data: Demonstrations) -> list[str]:
    """The first action and the first state that are not finite, in words."""
    found = []
    for name, values in (("action", data.action), ("state", data.state)):
        for frame, entry in np.argwhere(~np.isfinite(values))[:1]:
            episode = data.episode[frame]
            place = f"{name}, episode {episode}, frame {frame - np.searchsorted(data.episode, episode)}"
            names = data.action_space.names if values.shape[1] == data.action_space.dim else ()
            what = names[entry] if names else f"entry {entry}"
            found.append(f"{place}: {what} is {values[frame, entry]}, expected a finite number")
    return found


@dataclass(frozen=True, eq=False)
class ChunkDataset:
    """Frames that may start a sample, and how to read their chunk.

    Args:
        data: the demonstrations.
        frames: (n,) indices of the frames of this part (training or validation).
        last: (F,) index of the last frame of each frame's episode.
        horizon: rows H.
        history: observations of a sample, as `segue_core.history` says.
    """

    data: Demonstrations
    frames: NDArray[np.int64]
    last: NDArray[np.int64]
    horizon: int
    history: tuple[int, ...] = (0,)

    def shown(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Frames of the observations of the samples `frames` (n,): the same, or (n, T), newest last, with a history."""
        return frames_shown(self.data, frames, self.history)

    def chunks(self, frames: NDArray[np.int64]) -> NDArray[np.float32]:
        """Actions `(n, H, D)` that follow `frames` (n,)."""
        rows = frames[:, None] + np.arange(self.horizon)
        chunk: NDArray[np.float32] = self.data.action[np.minimum(rows, self.last[frames][:, None])]
        return chunk

    def real(self, frames: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows of `chunks(frames)` were demonstrated, `(n, H)`; the others repeat the last action."""
        within: NDArray[np.bool_] = frames[:, None] + np.arange(self.horizon) <= self.last[frames][:, None]
        return within


def split(
    data: Demonstrations,
    horizon: int,
    validation_share: float,
    seed: int,
    file: str | None = None,
    history: tuple[int, ...] = (0,),
) -> tuple[ChunkDataset, ChunkDataset]:
    """Training and validation parts, by whole episodes (frames of one episode resemble each other).

    At least one episode is held out when there are two or more; with a single one both parts are the same. A `file` of
    `segue data split` decides instead, and what is neither train nor validation in it is not used.

    Raises:
        DataError: the file is missing or wrong, or names no episode of this dataset for one of the parts.
    """
    if file is not None:
        return _split_by(data, horizon, Path(file), history)
    episode = np.asarray(data.episode)
    names, starts, counts = np.unique(episode, return_index=True, return_counts=True)
    last = np.repeat(starts + counts - 1, counts)
    held = min(max(1, round(validation_share * len(names))), len(names) - 1)
    chosen = np.random.default_rng(seed).permutation(names)[:held]
    validation = np.isin(episode, chosen) if held else np.ones(len(episode), dtype=bool)
    training = ~validation if held else validation
    parts = (np.flatnonzero(training), np.flatnonzero(validation))
    return _parts(data, parts, last, horizon, history)


def _parts(
    data: Demonstrations,
    frames: Sequence[NDArray[np.int64]],
    last: NDArray[np.int64],
    horizon: int,
    history: tuple[int, ...],
) -> tuple[ChunkDataset, ChunkDataset]:
    training, validation = (ChunkDataset(data, part, last, horizon, history) for part in frames)
    return training, validation


_NEEDED = ("train", "validation")
_Episode = Annotated[int, Field(ge=0, lt=2**31)]


class _Split(StrictModel, extra="ignore"):
    """What `segue data split` writes: parts that have no episode in common."""

    episodes: dict[str, list[_Episode]]

    @field_validator("episodes")
    @classmethod
    def _each_once(cls, parts: dict[str, list[int]]) -> dict[str, list[int]]:
        if absent := [name for name in _NEEDED if name not in parts]:
            raise ValueError(f"no part {absent[0]!r}, expected {' and '.join(_NEEDED)}")
        place: dict[int, str] = {}
        for part, numbers in parts.items():
            for number in numbers:
                if number in place:
                    raise ValueError(
                        f"episode {number} is in {place[number]} and in {part}; allowed: in one, once"
                    )
                place[number] = part
        return parts


def _split_by(
    data: Demonstrations, horizon: int, file: Path, history: tuple[int, ...]
) -> tuple[ChunkDataset, ChunkDataset]:
    wrong = partial(DataError, ErrorCode.DATA_DATASET_INVALID, do="make it anew with segue data split")
    parts = read_written(file, _Split, lambda text: wrong(f"split {text}")).episodes
    episode = np.asarray(data.episode)
    names, starts, counts = np.unique(episode, return_index=True, return_counts=True)
    last = np.repeat(starts + counts - 1, counts)
    named = np.concatenate([np.asarray(numbers, dtype=np.int64) for numbers in parts.values()])
    if len(unknown := np.setdiff1d(named, names)):
        text = f"split {file}: of another dataset: this one has no episode {unknown[0]}"
        raise wrong(text, got=unknown[0], expected=f"{names[0]} to {names[-1]}")
    frames = [np.flatnonzero(np.isin(episode, parts[part])) for part in _NEEDED]
    if not all(map(len, frames)):
        text = f"split {file}: {len(frames[0])} frames to train on, {len(frames[1])} to validate on"
        do = "give each part an episode: segue data split with another --seed or --validation"
        raise DataError(ErrorCode.DATA_DATASET_INVALID, text, do=do)
    return _parts(data, frames, last, horizon, history)
