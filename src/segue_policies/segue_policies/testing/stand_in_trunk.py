"""A package of random trunk weights with the name of the real one, for machines and tests without it."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from segue_policies.vision.efficientnet_lite import wanted
from segue_policies.vision.weights import FILE, MODULE


def random_tensors(seed: int = 0) -> dict[str, Tensor]:
    """What `wanted` names: He's kernels, statistics near those of normalised layers."""
    generator = torch.Generator().manual_seed(seed)

    def one(name: str, shape: tuple[int, ...]) -> Tensor:
        drawn: Tensor = torch.randn(shape, generator=generator)
        if len(shape) > 1:
            return drawn * math.sqrt(2.0 / drawn[0].numel())
        return 1.0 + 0.1 * drawn.abs() if name.endswith(("weight", "running_var")) else 0.1 * drawn

    return {name: one(name, shape) for name, shape in wanted().items()}


def write_stand_in(place: Path, tensors: dict[str, Tensor]) -> Path:
    """A package below `place` that holds `tensors`; returns their file."""
    file = place / MODULE / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    (place / MODULE / "__init__.py").touch()
    torch.save(tensors, file)
    return file
