"""Begin a training with the weights of a finished one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from segue_core.errors import ErrorCode, PolicyError, unknown_name


def take_weights(
    net: nn.Module, weights: Mapping[str, NDArray[np.float32]], source: Path, part: str = ""
) -> None:
    """Copy `weights` of the checkpoint `source` into `net`: all whose names begin with `part`, or none.

    Raises:
        ConfigError: the network has no such part. PolicyError: CHECKPOINT_MISMATCH naming every tensor that is missing,
            unknown or of another shape.
    """
    if part and not any(name.startswith(part) for name in net.state_dict()):
        parts = sorted({name.partition(".")[0] for name in net.state_dict()})
        raise unknown_name("part of the network", part.removesuffix("."), parts)
    wanted = {name: tuple(w.shape) for name, w in net.state_dict().items() if name.startswith(part)}
    found = {name: array.shape for name, array in weights.items() if name.startswith(part)}
    differs = [
        f"{name}: got {found.get(name, 'nothing')}, expected {wanted.get(name, 'nothing')}"
        for name in sorted(wanted.keys() | found.keys())
        if wanted.get(name) != found.get(name)
    ]
    if differs:
        text = f"cannot start from {source}, its tensors are of another network: " + "; ".join(differs)
        raise PolicyError(ErrorCode.CHECKPOINT_MISMATCH, text)
    taken = {name: torch.from_numpy(weights[name]) for name in wanted}
    net.load_state_dict(taken, strict=not part)
