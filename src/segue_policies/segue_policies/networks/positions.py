"""Sines and cosines of places: of a sequence, of a feature map, and of a diffusion step."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def sine_table(count: int, width: int) -> Tensor:
    """Sines (even columns) and cosines (odd) of places 0 .. count - 1, `(count, width)`."""
    column = torch.arange(width)
    rate = 10000.0 ** (-2.0 * torch.div(column, 2, rounding_mode="floor") / width)
    phase = torch.arange(count)[:, None] * rate
    return torch.where(column % 2 == 0, phase.sin(), phase.cos())


def sine_grid(height: int, width: int, channels: int) -> Tensor:
    """Places of a feature map, rows and columns scaled to (0, 2 pi], (n, channels), n = height width."""
    half = channels // 2
    rate = 10000.0 ** (-2.0 * torch.div(torch.arange(half), 2, rounding_mode="floor") / half)
    parts = []
    for count, other, axis in ((height, width, 1), (width, height, 0)):
        place = 2 * math.pi * torch.arange(1, count + 1) / (count + 1e-6)
        phase = place[:, None] * rate
        wave = torch.stack([phase[:, 0::2].sin(), phase[:, 1::2].cos()], dim=-1).flatten(1)  # (count, half)
        parts.append(wave.unsqueeze(axis).expand(*((count, other) if axis else (other, count)), half))
    return torch.cat(parts, dim=-1).flatten(0, 1)


def sines(step: Tensor, width: int) -> Tensor:
    """Diffusion steps `(B,)` to sines, then cosines, of falling rate, `(B, width)`."""
    half = width // 2
    rate = 10000.0 ** (-torch.arange(half, device=step.device) / max(half - 1, 1))
    phase = step.float()[:, None] * rate
    return torch.cat([phase.sin(), phase.cos()], dim=-1)
