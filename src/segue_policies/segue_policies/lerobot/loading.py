"""LeRobot's parts of a checkpoint: its network and its processors, and whether all weights arrived.

A checkpoint may bring what LeRobot would look for on the hub, so that a robot needs no network:

    tokenizer/      in place of the tokenizer that policy_preprocessor.json names (pi0, pi0.5)
    vlm/            in place of the language model that config.json names (SmolVLA): its settings and its tokenizer
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from segue_core.errors import ErrorCode, PolicyError

INSTALL = "pip install lerobot==0.4.4"
WEIGHTS = "model.safetensors"
TOKENIZER, LANGUAGE_MODEL = "tokenizer", "vlm"

_RENAMED = (("action_time_mlp_", "time_mlp_"), ("time_mlp_", "action_time_mlp_"))
"""What LeRobot renames in files of pi0 (to the second) and pi0.5 (to the first)."""


@dataclass(frozen=True)
class Loaded:
    """LeRobot's parts of a checkpoint; their types are LeRobot's."""

    policy: Any
    before: Callable[[dict[str, Any]], dict[str, Any]]
    after: Callable[[Tensor], Tensor]


def load(folder: Path) -> Loaded:
    """Read a checkpoint folder.

    Raises:
        PolicyError: POLICY_NOT_READY without LeRobot; CHECKPOINT_CORRUPT when LeRobot cannot read it, or leaves weights
            out.
    """
    try:
        from lerobot.configs.policies import PreTrainedConfig
        from lerobot.policies.factory import get_policy_class, make_pre_post_processors
    except ImportError as error:
        text = f"LeRobot cannot be imported ({error}); install it with: {INSTALL}"
        raise PolicyError(ErrorCode.POLICY_NOT_READY, text) from error
    try:
        config = PreTrainedConfig.from_pretrained(folder)
        config.device = "cuda" if torch.cuda.is_available() else "cpu"
        if (folder / LANGUAGE_MODEL).is_dir() and hasattr(config, "vlm_model_name"):
            config.vlm_model_name, config.load_vlm_weights = str(folder / LANGUAGE_MODEL), False
        policy = get_policy_class(config.type).from_pretrained(folder, config=config)
        overrides = _overrides(folder, config.device)
        before, after = make_pre_post_processors(config, str(folder), preprocessor_overrides=overrides)
    except Exception as error:  # of any library that a policy is made of
        text = f"{folder}: LeRobot cannot load it: {type(error).__name__}: {error}"
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, text) from error
    check_weights(folder / WEIGHTS, policy.state_dict())
    return Loaded(policy.eval(), before, after)


def _overrides(folder: Path, device: str) -> dict[str, Any]:
    overrides: dict[str, Any] = {"device_processor": {"device": device}}
    tokenizer = next(
        (folder / name for name in (TOKENIZER, LANGUAGE_MODEL) if (folder / name).is_dir()), None
    )
    if tokenizer is not None:
        overrides["tokenizer_processor"] = {"tokenizer_name": str(tokenizer)}
    return overrides


def check_weights(file: Path, state: Mapping[str, Tensor]) -> None:
    """Every tensor of the network came from the file.

    LeRobot's loaders say on the screen that weights are missing, of another shape or unreadable, and go on with random
    ones. A robot must not. Compared are names and the first row of each; names that share one tensor count once.

    Raises:
        PolicyError: CHECKPOINT_CORRUPT, with the number of tensors that did not come from the file, and one of them.
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
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{file}: {error}") from error
    if absent:
        text = f"{file}: LeRobot loaded {len(absent)} of {len(shared)} tensors from elsewhere, such as {absent[0]}: "
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, text + "the file does not fit config.json")


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
