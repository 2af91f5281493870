"""Whether every tensor of a network came from its file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from .wire import Refused

_RENAMED = (("action_time_mlp_", "time_mlp_"), ("time_mlp_", "action_time_mlp_"))
"""What LeRobot renames in files of pi0 (to the second) and pi0.5 (to the first)."""


def check_weights(file: Path, state: Mapping[str, Tensor]) -> None:
    """Refuse a network that was not filled from `file`.

    LeRobot's loaders say on the screen that weights are missing, of another shape or unreadable, and go on with random
    ones. A robot must not. Compared are names and the first row of each; names that share one tensor count once.

    Raises:
        Refused: CHECKPOINT_CORRUPT, with the number of tensors that did not come from the file, and one of them.
    """
    shared: defaultdict[tuple[int, torch.Size], list[str]] = defaultdict(list)
    for name, tensor in state.items():
        shared[tensor.data_ptr(), tensor.shape].append(name)
    try:
        with safe_open(str(file), "pt") as content:
            stored = {_ours(name, state): name for name in content.keys()}  # noqa: SIM118
            absent = [
                names[0]
                for names in shared.values()
                if not any(_same(state[name], content, stored[name]) for name in names if name in stored)
            ]
    except (OSError, SafetensorError) as error:
        raise Refused("CHECKPOINT_CORRUPT", f"{file}: {error}") from error
    if absent:
        text = f"{file}: LeRobot loaded {len(absent)} of {len(shared)} tensors from elsewhere, such as {absent[0]}: "
        raise Refused("CHECKPOINT_CORRUPT", text + "the file does not fit config.json")


def _ours(name: str, state: Mapping[str, Tensor]) -> str:
    """The network's name of a tensor of the file."""
    renamed = [now + name.removeprefix(before) for before, now in _RENAMED if name.startswith(before)]
    candidates = [prefix + each for each in (name, *renamed) for prefix in ("", "model.")]
    return next((each for each in candidates if each in state), name)


def _same(tensor: Tensor, file: Any, name: str) -> bool:
    stored = file.get_slice(name)
    if list(tensor.shape) != list(stored.get_shape()):
        return False
    row: Tensor = stored[:1] if tensor.ndim else file.get_tensor(name)
    return torch.equal(tensor[:1] if tensor.ndim else tensor, row.to(tensor))
