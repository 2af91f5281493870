"""A network with the weights of a checkpoint, whose sizes are compared before it takes any memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from segue_core.errors import ErrorCode, PolicyError

NetT = TypeVar("NetT", bound=nn.Module)
_NAMED = 3


def filled_network(build: Callable[[], NetT], weights: Mapping[str, NDArray[np.float32]]) -> NetT:
    """What `build` makes, with `weights`, for inference.

    Raises:
        PolicyError: CHECKPOINT_CORRUPT, naming the first weights that are missing, unknown or of another shape.
    """
    with torch.device(
        "meta"
    ):  # shapes without memory: settings that ask for terabytes meet the weights first
        wanted = {name: tuple(tensor.shape) for name, tensor in build().state_dict().items()}
    found = {name: array.shape for name, array in weights.items()}
    differs = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if differs:
        what = ", ".join(
            f"{name} {found.get(name)}, expected {wanted.get(name)}" for name in differs[:_NAMED]
        )
        text = f"weights do not fit config.yaml, {len(differs)} differ: {what}"
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, text)
    net = build()
    net.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return net.requires_grad_(False).eval()
