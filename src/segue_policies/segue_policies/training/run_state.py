"""State of an unfinished training, for an exact resume: tensors in safetensors, numbers in JSON, nothing pickled."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from segue_core.errors import ErrorCode, PolicyError
from segue_core.files import regular
from segue_policies.training.state_numbers import NUMBERS, StateNumbers, read_numbers

TENSORS = "state.safetensors"


@dataclass(frozen=True)
class TrainingState:
    """The three things that a step changes."""

    model: nn.Module
    average: nn.Module
    optimiser: torch.optim.Optimizer


def save_state(folder: Path, trained: TrainingState, numbers: dict[str, Any]) -> None:
    """Write the state; each file is complete or absent, and the numbers name the tensors that they belong to.

    Frozen parameters are left out: they come from where they came from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frozen = _frozen(trained.model)
    tensors = {f"model.{k}": v for k, v in trained.model.state_dict().items() if k not in frozen}
    tensors |= {f"average.{k}": v for k, v in trained.average.state_dict().items() if k not in frozen}
    tensors |= _optimiser_tensors(trained.optimiser)
    name = f"{numbers['step']}.{TENSORS}"
    # As bytes, so that a full disk is an OSError.
    write_atomically(folder / name, save({key: value.contiguous() for key, value in tensors.items()}))
    write_atomically(folder / NUMBERS, json.dumps(numbers | {"tensors": name}, indent=1).encode())
    for old in folder.glob(f"*.{TENSORS}"):
        if old.name != name:
            old.unlink()


def load_state(folder: Path, trained: TrainingState) -> StateNumbers:
    """Restore what `save_state` wrote, in place; returns the numbers.

    Raises:
        PolicyError: TRAINING_FAILED when there is nothing to resume, or it is of another model.
    """
    numbers = read_numbers(folder)
    try:
        tensors = load_file(regular(folder / numbers.tensors))
        frozen = _frozen(trained.model)
        _restore(trained.model, _under("model.", tensors), frozen)
        _restore(trained.average, _under("average.", tensors), frozen)
        _restore_optimiser(trained.optimiser, tensors)
    except (OSError, ValueError, TypeError, LookupError, RuntimeError, SafetensorError) as error:
        raise PolicyError(ErrorCode.TRAINING_FAILED, f"cannot resume from {folder}: {error}") from error
    return numbers


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` in one step; OSError leaves it as it was, and nothing beside it."""
    draft = path.with_name(f".{path.name}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _frozen(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if not parameter.requires_grad}


def _restore(model: nn.Module, tensors: dict[str, Tensor], frozen: set[str]) -> None:
    found = model.load_state_dict(tensors, strict=False)
    if wrong := [*found.unexpected_keys, *(name for name in found.missing_keys if name not in frozen)]:
        raise ValueError(f"the state is of another network: {', '.join(wrong[:3])}")


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}


def _optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimiser.state_dict()["state"]
    return {
        f"optimiser.{index}.{name}": value for index, entry in state.items() for name, value in entry.items()
    }


def _restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Load the moments in their parameter's memory order: the fused AdamW pairs elements by storage, not by index."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in _under("optimiser.", tensors).items():
        index, name = key.split(".", 1)
        like = parameters[int(index)]
        ordered = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
        state.setdefault(int(index), {})[name] = ordered
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
