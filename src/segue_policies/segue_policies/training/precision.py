"""Choice of the training precision: bfloat16 doubles the speed where the CPU has it and ruins it elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal

import torch

from segue_policies.training.config import Precision

Chosen = Literal["float32", "bfloat16"]


def autocast(precision: Chosen, device: str = "cpu") -> AbstractContextManager[object]:
    """Context in which the forward pass runs on a kind of `device`."""
    return torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def choose_precision(
    precision: Precision, step: Callable[[], object], repeats: int = 2, device: str = "cpu"
) -> Chosen:
    """Resolve `auto`: on a CPU by timing `step`, a forward and backward pass without side effects, in both.

    A GPU that computes in bfloat16 is faster with it.
    """
    if precision != "auto":
        return precision
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return min(("float32", "bfloat16"), key=lambda name: _seconds(name, step, repeats))


def _seconds(precision: Chosen, step: Callable[[], object], repeats: int) -> float:
    with autocast(precision):
        step()
        start = time.perf_counter()
        for _ in range(repeats):
            step()
    return time.perf_counter() - start
