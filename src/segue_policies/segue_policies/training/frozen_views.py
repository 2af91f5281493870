"""Training with frozen image encoders: every picture is encoded once, in a few lights, instead of at every visit.

    picture --jitter--> view 0 ... view V-1 --encoders--> embeddings (V, E), which batches carry in the pictures' place

A step then costs little more than the head, and objectives that are compared on one start share their encoder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from segue_core.files import read_array

_BATCH = 64

Encode = Callable[[Tensor, torch.Generator], Tensor]
"""Pictures (B, cameras, h, w, 3) uint8 to the embeddings (B, E) of one view of each, its light drawn."""


def kept_views(
    folder: Path | None, made_by: str, pictures: NDArray[np.uint8], make: Callable[[], NDArray[np.float16]]
) -> NDArray[np.float16]:
    """`make()`, of any shape, or what it made of the same pictures before; without a folder nothing is kept.

    Args:
        made_by: everything besides the pictures that decides the result, such as the encoders' digest.
        pictures: (F, cameras, h, w, 3), told from others by their number and every 64th of them.
    """
    if folder is None:
        return make()
    mark = hashlib.sha256(f"{made_by} {pictures.shape}".encode())
    for picture in pictures[::64]:
        mark.update(np.ascontiguousarray(picture).tobytes())
    file = folder / f"{mark.hexdigest()[:16]}.npy"
    if file.is_file():
        with suppress(OSError, ValueError):  # damaged: it is made again
            return np.array(read_array(file), dtype=np.float16)
    views = make()
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{file.stem}.{os.getpid()}.npy"  # processes of one training may do this at once
    np.save(draft, views)
    draft.replace(file)
    return views


@torch.inference_mode()
def encode_views(
    pictures: NDArray[np.uint8], views: int, encode: Encode, generator: torch.Generator
) -> NDArray[np.float16]:
    """Embeddings (F, V, E) of all pictures (F, cameras, h, w, 3), which may be memory-mapped."""
    parts = []
    for first in tqdm(
        range(0, len(pictures), _BATCH), desc="encoding pictures", unit="batch", mininterval=2.0
    ):
        batch = torch.from_numpy(np.asarray(pictures[np.arange(first, min(first + _BATCH, len(pictures)))]))
        parts.append(torch.stack([encode(batch, generator) for _ in range(views)], dim=1).half().numpy())
    return np.concatenate(parts)


def pick_view(views: Tensor, generator: torch.Generator) -> Tensor:
    """One view of each sample, drawn: (B, V, E) to (B, E), float32."""
    drawn = torch.randint(views.shape[1], (len(views),), generator=generator)
    return views[torch.arange(len(views)), drawn].float()
