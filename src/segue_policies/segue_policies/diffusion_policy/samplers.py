"""From noise to a chunk: DDPM (Ho et al. 2020), DDIM (Song et al. 2021), and DDIM towards a reference.

At each step the network's noise says what the chunk would be, which is clipped to the range of the data:

    chunk = (noisy - sqrt(1 - kept) noise) / sqrt(kept)
    ddpm    the mean of what lies between that chunk and the noisy one, plus noise of the posterior's variance
    ddim    that chunk with the same noise, less of it

Divided by `sqrt(kept) + sqrt(1 - kept)` a noisy chunk lies on a straight path from noise to chunk, and a DDIM step is a
step of a flow along it. So real-time chunking guides it as it guides a flow (`guidance/rtc.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from segue_policies.diffusion_policy.config import DiffusionConfig
from segue_policies.diffusion_policy.schedule import noise_schedule
from segue_policies.guidance.rtc import guidance_weight, pull

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
    schedule = noise_schedule(config)
    pairs = schedule.descent(config.steps)
    times = [_flow_time(schedule.share(step)) for step, _ in pairs] + [1.0]
    state = draw() * _shrink(schedule.share(pairs[0][0]))
    for (step, _), now, then in zip(pairs, times, times[1:], strict=False):
        share = schedule.share(step)

        def velocity(on_path: Tensor, time: Tensor, step: int = step, share: float = share) -> Tensor:
            noisy = on_path / _shrink(share)
            free = _clean(noisy, predict(noisy, step), share, math.inf)
            clean = free + (free.clamp(-config.clip, config.clip) - free).detach()
            return (clean - on_path) / (1 - time)

        along, correction = pull(velocity, state, torch.tensor(now).to(state), omega, reference)
        state = state + (then - now) * (along + guidance_weight(now, max_guidance_weight) * correction)
    return state


def _clean(noisy: Tensor, noise: Tensor, kept: float, clip: float) -> Tensor:
    return ((noisy - math.sqrt(1 - kept) * noise) / math.sqrt(kept)).clamp(-clip, clip)


def _between(noisy: Tensor, clean: Tensor, kept: float, then: float, draw: Draw) -> Tensor:
    """Drawn from what may lie between a noisy chunk, of which `kept` is left, and the clean one, where `then` is."""
    if then == 1:
        return clean
    alpha = kept / then
    of_clean = math.sqrt(then) * (1 - alpha) / (1 - kept)
    of_noisy = math.sqrt(alpha) * (1 - then) / (1 - kept)
    deviation = math.sqrt((1 - then) / (1 - kept) * (1 - alpha))
    return of_clean * clean + of_noisy * noisy + deviation * draw()


def _shrink(kept: float) -> float:
    """From a noisy chunk to its place on the straight path."""
    return 1 / (math.sqrt(kept) + math.sqrt(1 - kept))


def _flow_time(kept: float) -> float:
    """The chunk's share at that place, 0 noise to 1 chunk."""
    return math.sqrt(kept) * _shrink(kept)
