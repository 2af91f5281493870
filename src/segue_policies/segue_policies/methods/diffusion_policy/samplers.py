"""From noise to a chunk: DDPM (Ho et al. 2020), DDIM (Song et al. 2021), and DDIM towards a reference.

At each step the network's noise says what the chunk would be, which is clipped to the range of the data:

    chunk = (noisy - sqrt(1 - kept) noise) / sqrt(kept)
    ddpm    the mean of what lies between that chunk and the noisy one, plus noise of the posterior's variance
    ddim    that chunk with the same noise, less of it

Real-time chunking guides a DDIM step as it guides a flow (`guidance/rtc_ddim.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from segue_policies.guidance.rtc_ddim import clean_chunk, pulled_step
from segue_policies.methods.diffusion_policy.config import DiffusionConfig
from segue_policies.methods.diffusion_policy.schedule import noise_schedule

PredictNoise = Callable[[Tensor, int], Tensor]
"""Noise in `(B, H, D)` at a step; the caller binds the observation."""

Draw = Callable[[], Tensor]
"""Standard normal `(B, H, D)`, anew at every call."""


def sample(predict: PredictNoise, config: DiffusionConfig, draw: Draw) -> Tensor:
    """Chunks `(B, H, D)`, normalised."""
    schedule, noisy = noise_schedule(config), draw()
    for step, after in schedule.descent(config.steps):
        kept, then = schedule.share(step), schedule.share(after)
        noise = predict(noisy, step)
        clean = _clean(noisy, noise, kept, config.clip)
        if config.sampler == "ddim":
            noisy = math.sqrt(then) * clean + math.sqrt(1 - then) * noise
        else:
            noisy = _between(noisy, clean, kept, then, draw)
    return noisy


def sample_guided(
    predict: PredictNoise,
    config: DiffusionConfig,
    draw: Draw,
    omega: Tensor,
    reference: Tensor,
    max_guidance_weight: float,
) -> Tensor:
    """Chunks `(B, H, D)` that continue `reference` `(B, H, D)` where omega `(B, H)` says so, whatever `config.sampler`.

    By DDIM; a step costs a forward and a backward pass. Clipping the estimate does not stop its gradient.
    """
    schedule, noisy = noise_schedule(config), draw()
    for step, after in schedule.descent(config.steps):
        kept = schedule.share(step), schedule.share(after)

        def at_step(there: Tensor, step: int = step) -> Tensor:
            return predict(there, step)

        noisy = pulled_step(at_step, noisy, kept, config.clip, omega, reference, max_guidance_weight)
    return noisy


def _clean(noisy: Tensor, noise: Tensor, kept: float, clip: float) -> Tensor:
    return clean_chunk(noisy, noise, kept).clamp(-clip, clip)


def _between(noisy: Tensor, clean: Tensor, kept: float, then: float, draw: Draw) -> Tensor:
    """Drawn from what may lie between a noisy chunk, of which `kept` is left, and the clean one, where `then` is."""
    if then == 1:
        return clean
    alpha = kept / then
    of_clean = math.sqrt(then) * (1 - alpha) / (1 - kept)
    of_noisy = math.sqrt(alpha) * (1 - then) / (1 - kept)
    deviation = math.sqrt((1 - then) / (1 - kept) * (1 - alpha))
    return of_clean * clean + of_noisy * noisy + deviation * draw()
