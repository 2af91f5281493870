"""Real-time chunking in front of a diffusion sampler: a DDIM step that is pulled towards a reference.

Divided by `sqrt(kept) + sqrt(1 - kept)` a noisy chunk lies on a straight path from noise to chunk, and a DDIM step is a
step of a flow along it. So real-time chunking guides it as it guides a flow (`rtc.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from segue_policies.guidance.rtc import guidance_weight, pull


def pulled_step(
    predict: Callable[[Tensor], Tensor],
    noisy: Tensor,
    kept: tuple[float, float],
    clip: float,
    omega: Tensor,
    reference: Tensor,
    max_guidance_weight: float,
) -> Tensor:
    """One DDIM step of chunks `(B, H, D)` that continue `reference` `(B, H, D)` where omega `(B, H)` says so.

    Args:
        predict: noise in chunks at this step.
        kept: share of the clean chunk's power now and after the step.
        clip: bound of the estimated chunk; it does not stop the gradient.
    """
    now, then = (math.sqrt(share) * _shrink(share) for share in kept)

    def velocity(on_path: Tensor, time: Tensor) -> Tensor:
        there = on_path / _shrink(kept[0])
        free = clean_chunk(there, predict(there), kept[0])
        clean = free + (free.clamp(-clip, clip) - free).detach()
        return (clean - on_path) / (1 - time)

    state = noisy * _shrink(kept[0])
    along, correction = pull(velocity, state, torch.tensor(now).to(state), omega, reference)
    state = state + (then - now) * (along + guidance_weight(now, max_guidance_weight) * correction)
    return state / _shrink(kept[1])


def clean_chunk(noisy: Tensor, noise: Tensor, kept: float) -> Tensor:
    """What a noisy chunk (..., H, D) is without its `noise`, of the same shape."""
    return (noisy - math.sqrt(1 - kept) * noise) / math.sqrt(kept)


def _shrink(kept: float) -> float:
    """From a noisy chunk to its place on the straight path."""
    return 1 / (math.sqrt(kept) + math.sqrt(1 - kept))
