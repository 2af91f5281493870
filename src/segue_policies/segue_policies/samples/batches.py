"""Batches as a pure function of (seed, step), so that a resumed training sees exactly what it would have seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue_policies.samples.augmentation import shift
from segue_policies.samples.demonstrations import ChunkDataset
from segue_policies.training.processes import my_share
from segue_policies.training.seeds import RandomStream, numpy_rng


@dataclass(frozen=True, eq=False)
class Batch:
    """Raw samples: images (B, cameras, h, w, 3) uint8, state (B, S), actions (B, H, D), physical units.

    With a history images are (B, T, cameras, h, w, 3) and states (B, T, S), newest last.

    Behind a frozen trunk `images` are its maps (B, cameras, C, h', w') float16 instead, with frozen encoders embeddings
    (B, V, E) of V views, see `frozen_views`. `real` (B, H) is true where a row was demonstrated, false where it repeats
    an episode's last action. `columns` (B, ...) is what else a method asked for, such as labels.
    """

    images: Tensor
    state: Tensor
    actions: Tensor
    real: Tensor
    columns: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def newest_state(self) -> Tensor:
        """The states (B, S) that the chunks start from."""
        return self.state if self.state.ndim == 2 else self.state[:, -1]

    def to(self, device: torch.device) -> Batch:
        """The same samples on `device`."""
        images, state, actions, real = (
            x.to(device) for x in (self.images, self.state, self.actions, self.real)
        )
        columns = {name: column.to(device) for name, column in self.columns.items()}
        return Batch(images, state, actions, real, columns)


class Column(Protocol):
    """What a method asks for beside the observation, by frame of the demonstrations: an array, or what reads one."""

    def __getitem__(self, frames: NDArray[np.int64], /) -> NDArray[Any]:
        """Of `frames` (n,): (n, ...)."""
        ...


class ByFrame(Protocol):
    """What stands for the pictures, by frame of the demonstrations: an array, or a cache of some frames."""

    def __getitem__(self, frames: NDArray[np.int64], /) -> NDArray[np.float16]:
        """Of `frames` (n,), plain."""
        ...


@runtime_checkable
class Views(ByFrame, Protocol):
    """Where each frame is kept in several views."""

    def drawn(self, frames: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float16]:
        """One view of each of `frames` (n,), drawn."""
        ...


def read_batch(
    part: ChunkDataset,
    frames: NDArray[np.int64],
    images: NDArray[np.generic] | None = None,
    columns: Mapping[str, Column] | None = None,
) -> Batch:
    """The samples that start at `frames` (n,), as they were recorded.

    `images` (n, ...) stand for theirs; each of the `columns` has an entry per frame of the data.
    """
    seen = part.shown(frames)
    return Batch(
        torch.from_numpy(np.asarray(part.data.images[seen]) if images is None else images),
        torch.from_numpy(np.asarray(part.data.state[seen])),
        torch.from_numpy(part.chunks(frames)),
        torch.from_numpy(part.real(frames)),
        {name: torch.from_numpy(np.asarray(values[frames])) for name, values in (columns or {}).items()},
    )


class BatchSource:
    """Shuffled epochs over the training part, with shifted images."""

    def __init__(
        self,
        part: ChunkDataset,
        batch_size: int,
        shift_pixels: int,
        seed: int,
        instead: ByFrame | None = None,
        columns: Mapping[str, Column] | None = None,
    ) -> None:
        """`instead` stands for the images, and nothing is shifted then: of `Views` one is drawn.

        `columns` as for `read_batch`.
        """
        self._part, self._instead, self._columns = part, instead, columns
        self._size = batch_size
        self._shift = shift_pixels
        self._seed = seed
        self._share = my_share()
        self._epoch = -1
        self._order: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def batch(self, step: int) -> Batch:
        """Batch number `step` from 0, or the share of it that is computed here.

        Epochs are drawn anew and may meet inside a batch.
        """
        mine = range(self._size)[self._share.of_batch(self._size)]
        picked = np.array([self._frame(step * self._size + k) for k in mine])
        rng = numpy_rng(self._seed, RandomStream.AUGMENT, self._share.own(step))
        return read_batch(self._part, picked, self._images(picked, rng), self._columns)

    def _images(self, frames: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.generic]:
        if isinstance(self._instead, Views):
            return self._instead.drawn(frames, rng)
        if self._instead is not None:
            return np.asarray(self._instead[self._part.shown(frames)])
        return shift(np.asarray(self._part.data.images[self._part.shown(frames)]), self._shift, rng)

    def stream(self, first_step: int) -> Iterator[Batch]:
        """Batches from `first_step` on, the next one prepared while the caller computes."""
        with ThreadPoolExecutor(1, "batches") as pool:
            step = first_step
            ahead = pool.submit(self.batch, step)
            while True:
                ready, step = ahead, step + 1
                ahead = pool.submit(self.batch, step)
                yield ready.result()

    def _frame(self, position: int) -> int:
        epoch, index = divmod(position, len(self._part.frames))
        if epoch != self._epoch:
            self._order = numpy_rng(self._seed, RandomStream.ORDER, epoch).permutation(self._part.frames)
            self._epoch = epoch
        return int(self._order[index])
