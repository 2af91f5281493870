"""Two diffusions, coupled (ProgressVLA, App. E): DDIM steps of a latent action, then of both.

step            909       ...   90        ...   0           of T_z = 1000 and T_a = 100
latent action   noise  ---- alone ----> . ---- both ---->
chunk                              noise  ---- both ---->

Towards progress, the noise of the latent action is changed at every step: eps - s sigma grad Q (Eq. 24), s the strength
of the guidance, sigma = sqrt(1 - kept), Q the evaluator's progress after the noisy latent action.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from segue_policies.guidance.rtc_ddim import clean_chunk, pulled_step
from segue_policies.methods.progress_vla.policy.config import DiffusionConfig
from segue_policies.networks.noise_schedule import NoiseSchedule, squared_cosine

Progress = Callable[[Tensor, Tensor], Tensor]
"""Q `(B,)` of latent actions `(B, K, L)` as noisy as at steps `(B,)`."""


@dataclass(frozen=True, eq=False)
class Networks:
    """Noise in latent actions `(B, K, L)` at steps `(B,)`, and in chunks `(B, H, D)` that noisy latents plan."""

    latent_noise: Callable[[Tensor, Tensor], Tensor]
    action_noise: Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Guided:
    """Towards progress, with a strength s."""

    progress: Progress
    strength: float


@dataclass(frozen=True, eq=False)
class Continued:
    """Real-time chunking: towards `reference` `(B, H, D)` where omega `(B, H)` says so."""

    omega: Tensor
    reference: Tensor
    max_guidance_weight: float


def descents(config: DiffusionConfig) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Pairs of a step and the one after it: of the latent action alone, and of both, which ends at -1.

    Each begins one stride below its schedule's end. There next to nothing is left of what was clean, and what a network
    estimates of it is the network's error, many times enlarged.
    """
    stride = config.action_train_steps / config.joint_steps
    both = [math.ceil(stride * step) for step in reversed(range(config.joint_steps))]
    stride = (config.latent_train_steps - both[0]) / (config.latent_steps + 1)
    alone = [both[0] + round(stride * step) for step in reversed(range(config.latent_steps + 1))]
    return list(pairwise(alone)), list(pairwise([*both, -1]))


def draw(
    networks: Networks,
    config: DiffusionConfig,
    noise: tuple[Tensor, Tensor],
    guided: Guided | None = None,
    continued: Continued | None = None,
) -> tuple[Tensor, Tensor]:
    """Latent actions `(B, K, L)` and chunks `(B, H, D)` out of standard normal `noise` of both shapes."""
    of_latents, of_rows = squared_cosine(config.latent_train_steps), squared_cosine(config.action_train_steps)
    latents, rows = noise
    alone, both = descents(config)
    for step, after in alone:
        latents = _latents_after(networks, config, of_latents, latents, (step, after), guided)
    for step, after in both:
        plan = latents
        latents = _latents_after(networks, config, of_latents, latents, (step, after), guided)
        kept = of_rows.share(step), of_rows.share(after)
        at_step = torch.full((len(rows),), step, device=rows.device)

        def predict(noisy: Tensor, plan: Tensor = plan, at_step: Tensor = at_step) -> Tensor:
            return networks.action_noise(noisy, plan, at_step)

        if continued is None:
            rows = _ddim(rows, predict(rows), kept, config.clip)
        else:
            towards = continued.omega, continued.reference, continued.max_guidance_weight
            rows = pulled_step(predict, rows, kept, config.clip, *towards)
    return latents, rows


def _latents_after(
    networks: Networks,
    config: DiffusionConfig,
    schedule: NoiseSchedule,
    latents: Tensor,
    steps: tuple[int, int],
    guided: Guided | None,
) -> Tensor:
    kept = schedule.share(steps[0]), schedule.share(steps[1])
    at_step = torch.full((len(latents),), steps[0], device=latents.device)
    noise = networks.latent_noise(latents, at_step)
    if guided is not None and guided.strength:
        noise = noise - guided.strength * math.sqrt(1 - kept[0]) * uphill(guided.progress, latents, at_step)
    return _ddim(latents, noise, kept, config.clip)


def uphill(progress: Progress, latents: Tensor, step: Tensor) -> Tensor:
    """The gradient of progress in latent actions `(B, K, L)`."""
    with torch.enable_grad():
        start = latents.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(progress(start, step).sum(), start)
    return gradient


def _ddim(noisy: Tensor, noise: Tensor, kept: tuple[float, float], clip: float) -> Tensor:
    clean = clean_chunk(noisy, noise, kept[0]).clamp(-clip, clip)
    return math.sqrt(kept[1]) * clean + math.sqrt(1 - kept[1]) * noise
