"""Batches as a pure function of (seed, step), so that a resumed training sees exactly what it would have seen."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

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

    With frozen encoders `images` are embeddings (B, V, E) of V views instead, see `frozen_views`. `real` (B, H) is true
    where a row was demonstrated, false where it repeats an episode's last action.
    """

    images: Tensor
    state: Tensor
    actions: Tensor
    real: Tensor

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def newest_state(self) -> Tensor:
        """The states (B, S) that the chunks start from."""
        return self.state if self.state.ndim == 2 else self.state[:, -1]

    def to(self, device: torch.device) -> Batch:
        """The same samples on `device`."""
        return Batch(*(t.to(device) for t in (self.images, self.state, self.actions, self.real)))


def read_batch(
    part: ChunkDataset, frames: NDArray[np.int64], embedded: NDArray[np.float16] | None = None
) -> Batch:
    """The samples that start at `frames` (n,), as they were recorded; `embedded` (F, V, E) replaces their images."""
    seen = part.shown(frames)
    images = np.asarray((part.data.images if embedded is None else embedded)[seen])
    return Batch(
        torch.from_numpy(images),
        torch.from_numpy(np.asarray(part.data.state[seen])),
        torch.from_numpy(part.chunks(frames)),
        torch.from_numpy(part.real(frames)),
    )


class BatchSource:
    """Shuffled epochs over the training part, with shifted images."""

    def __init__(
        self,
        part: ChunkDataset,
        batch_size: int,
        shift_pixels: int,
        seed: int,
        embedded: NDArray[np.float16] | None = None,
    ) -> None:
        """`embedded` (F, V, E) replaces the images, see `frozen_views`; nothing is shifted then."""
        self._part, self._embedded = part, embedded
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
        raw = read_batch(self._part, picked, self._embedded)
        if self._embedded is not None:
            return raw
        rng = numpy_rng(self._seed, RandomStream.AUGMENT, self._share.own(step))
        return replace(raw, images=torch.from_numpy(shift(raw.images.numpy(), self._shift, rng)))

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
