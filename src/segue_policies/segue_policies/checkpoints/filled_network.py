"""A network with the weights of a checkpoint, whose sizes are compared before it takes any memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.overrides import TorchFunctionMode

from segue_core.errors import ErrorCode, PolicyError

NetT = TypeVar("NetT", bound=nn.Module)
_NAMED = 3
_WEIGHTS = {"empty", "zeros", "ones", "rand", "randn"}
_TABLES = {"arange", "linspace"}
_LONGEST_TABLE = 100_000


class _WithoutMemory(TorchFunctionMode):
    """Weights have shapes and no memory, tables are what they are: settings that ask for terabytes cost nothing.

    Not `torch.device("meta")` alone: there a table or a normal distribution imports torch's compiler, for two seconds.
    """

    def __torch_function__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given, name = dict(kwargs or {}), getattr(func, "__name__", "")
        if name in _WEIGHTS:
            return torch.empty(*args, dtype=given.get("dtype"), device="meta")
        if name == "full" or (name in _TABLES and _is_huge(args)):
            return func(*args, **given | {"device": "meta"})
        if name == "normal_" and (drawn := args[0] if args else given["tensor"]).is_meta:
            return drawn
        return func(*args, **given)


def _is_huge(bounds: Iterable[Any]) -> bool:
    return any(isinstance(bound, int | float) and abs(bound) > _LONGEST_TABLE for bound in bounds)


def filled_network(build: Callable[[], NetT], weights: Mapping[str, NDArray[np.float32]]) -> NetT:
    """What `build` makes, with `weights`, for inference.

    Raises:
        PolicyError: CHECKPOINT_CORRUPT, naming the first weights that are missing, unknown or of another shape.
    """
    with _WithoutMemory():
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
