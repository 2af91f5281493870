"""The squared error of the noise that a network finds in demonstrated chunks."""

from __future__ import annotations

import torch
from torch import Tensor

from segue_policies.methods.diffusion_policy.model import DiffusionNet
from segue_policies.methods.diffusion_policy.schedule import noise_schedule
from segue_policies.supervised.sample import Sample


def noise_loss(net: DiffusionNet, sample: Sample, generator: torch.Generator) -> Tensor:
    """Mean over some draws of (step, noise) per observation; `sample.images` are observations (B, T, C)."""
    draws, device = net.diffusion.draws, sample.actions.device
    clean = sample.actions.repeat_interleave(draws, dim=0)
    step = drawn_steps(len(sample.actions), draws, net.diffusion.train_steps, generator).to(device)
    noise = torch.randn(clean.shape, generator=generator).to(device)
    error = noise_error(net, clean, noise, step, sample.images.repeat_interleave(draws, dim=0))
    if not net.diffusion.mask_padding:
        return error.mean()
    real = sample.real.repeat_interleave(draws, dim=0).unsqueeze(-1).to(error)
    mean: Tensor = (error * real).sum() / (real.sum() * error.shape[-1]).clamp(min=1)
    return mean


def noise_error(net: DiffusionNet, clean: Tensor, noise: Tensor, step: Tensor, condition: Tensor) -> Tensor:
    """Squared error `(B, H, D)` for chunks and noise `(B, H, D)` at steps `(B,)`."""
    noisy = noise_schedule(net.diffusion).noisy(clean, noise, step)
    error: Tensor = (net(noisy, step, condition) - noise).square()
    return error


def drawn_steps(observations: int, draws: int, train_steps: int, generator: torch.Generator) -> Tensor:
    """Steps (observations draws,), evenly likely; the draws of an observation are spread over all steps."""
    within = torch.rand(observations, draws, generator=generator)
    share = (torch.arange(draws) + within) / draws
    return (share * train_steps).long().clamp(max=train_steps - 1).flatten()
