"""Cheap image augmentation on whole batches: a shift of a few pixels and a change of light and colour."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def shift(images: NDArray[np.uint8], pixels: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Move every image by up to `pixels` in x and y; the uncovered border repeats the edge.

    Args:
        images: (B, cameras, h, w, 3), or (B, T, cameras, h, w, 3); each camera of each sample gets a shift of its own.
    """
    if pixels == 0:
        return images
    batch, (cameras, height, width) = len(images), images.shape[-4:-1]
    border = [(0, 0)] * (images.ndim - 3) + [(pixels, pixels), (pixels, pixels), (0, 0)]
    padded = np.pad(images, border, mode="edge")
    moved = np.empty_like(images)
    offsets = rng.integers(0, 2 * pixels + 1, size=(batch, cameras, 2))
    for sample, camera in np.ndindex(batch, cameras):
        y, x = offsets[sample, camera]
        part = padded[sample, ..., camera, y : y + height, x : x + width, :]
        moved[sample, ..., camera, :, :, :] = part
    return moved


def jitter(images: Tensor, brightness: float, colour: float, generator: torch.Generator) -> Tensor:
    """Scale normalised images in light and per colour channel, and move their level.

    Args:
        images: (B, cameras, 3, h, w), or (B, T, cameras, 3, h, w), normalised (zero mean).
        brightness: half-range of the common gain and, in units of the picture's deviation, of the level.
        colour: half-range of each channel's own gain and level.
    """
    if brightness == 0.0 and colour == 0.0:
        return images
    gain, level = (light_change(images, brightness, colour, generator) for _ in range(2))
    return (images * (1 + gain)).add_(level)


def light_change(images: Tensor, brightness: float, colour: float, generator: torch.Generator) -> Tensor:
    """A gain or a level for camera and colour, drawn on the CPU: (B, cameras, 3, 1, 1), or (B, 1, cameras, ...)."""
    batch, cameras = len(images), images.shape[-4]
    common = _symmetric((batch, cameras, 1), generator) * brightness
    own = _symmetric((batch, cameras, 3), generator) * colour
    change = (common + own)[..., None, None].to(images.device)
    return change if images.ndim == 5 else change[:, None]


def _symmetric(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return 2 * torch.rand(shape, generator=generator) - 1
