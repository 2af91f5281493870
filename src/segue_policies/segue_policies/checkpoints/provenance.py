"""What a checkpoint was made from, so that a comparison of two can say whether they were given the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.files import regular

if TYPE_CHECKING:
    from segue_policies.samples.corrections import (
        Corrections,
    )  # needs torch, which reading a checkpoint must not
    from segue_policies.samples.demonstrations import ChunkDataset
    from segue_policies.training.config import TrainingConfig

DIGITS = 16
"""Hexadecimal digits of a digest."""


class Provenance(StrictModel):
    """Where weights come from, apart from what the method itself is."""

    data: str = Field(description="digest of the frames trained on: actions, states and episode numbers")
    frames: int = Field(ge=1, description="frames trained on")
    corrections: str = Field(default="", description="digest of the corrections; empty: none")
    init: str = Field(default="", description="digest of the weights begun with; empty: begun anew")
    parts: dict[str, str] = Field(
        default_factory=dict, description="parts of the network that began as others', with their digests"
    )
    steps: int = Field(ge=0, description="optimiser steps that the weights took")
    batch_size: int = Field(ge=1, description="observations per step")
    learning_rate: float = Field(gt=0, description="peak of the schedule")
    frozen_views: int = Field(
        ge=0, description="lights of frozen image encoders; 0: they were trained as well"
    )
    seed: int = Field(ge=0, description="of weights, order, augmentation and noise")
    trunk: str = Field(default="", description="digest of the frozen trunk; empty: none")

    def differences(self, other: Provenance) -> tuple[str, ...]:
        """What this and `other` were not given alike, each with both values."""
        mine, theirs = self.model_dump(), other.model_dump()
        pairs = {name: (mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]}
        return tuple(f"{name.replace('_', ' ')} {_said(a)} and {_said(b)}" for name, (a, b) in pairs.items())


def provenance(
    part: ChunkDataset,
    corrections: Corrections | None,
    training: TrainingConfig,
    init: str,
    steps: int,
    trunk: str = "",
    parts: Mapping[str, str] | None = None,
) -> Provenance:
    """That of a training on `part` that has taken `steps` steps from the weights with the digest `init`.

    `trunk` is the digest of a frozen one, `parts` are those of what parts of the network began as.
    """
    data, frames = part.data, part.frames
    corrected = (corrections.state, corrections.action, corrections.reference) if corrections else ()
    return Provenance(
        data=_digest(data.action[frames], data.state[frames], data.episode[frames]),
        frames=len(frames),
        corrections=_digest(*corrected) if corrected else "",
        init=init[:DIGITS],
        parts={name: digest[:DIGITS] for name, digest in (parts or {}).items()},
        steps=steps,
        batch_size=training.batch_size,
        learning_rate=training.learning_rate,
        frozen_views=training.frozen_views,
        seed=training.seed,
        trunk=trunk[:DIGITS],
    )


def pretrained(path: Path) -> dict[str, str]:
    """Name and digest of pretrained weights: a file, or a folder of them."""
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    total = hashlib.sha256()
    for file in files:
        with regular(file).open("rb") as opened:
            for block in iter(partial(opened.read, 2**20), b""):
                total.update(block)
    return {"name": path.name, "digest": total.hexdigest()}


def _said(value: object) -> str:
    return "none" if value == "" else str(value)


def _digest(*arrays: NDArray[np.generic]) -> str:
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:DIGITS]
