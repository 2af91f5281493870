"""A diffusion step as numbers that a network can tell apart."""

from __future__ import annotations

import torch
from torch import Tensor


def sines(step: Tensor, width: int) -> Tensor:
    """Steps `(B,)` to sines, then cosines, of falling rate, `(B, width)`."""
    half = width // 2
    rate = 10000.0 ** (-torch.arange(half, device=step.device) / max(half - 1, 1))
    phase = step.float()[:, None] * rate
    return torch.cat([phase.sin(), phase.cos()], dim=-1)
