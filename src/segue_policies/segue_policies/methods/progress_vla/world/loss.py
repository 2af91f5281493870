"""What the world model is trained to (Eq. 5): the squared error of features, KL, and the codes' own."""

from __future__ import annotations

import torch
from torch import Tensor

from segue_policies.methods.progress_vla.world.config import WorldLoss
from segue_policies.methods.progress_vla.world.model import Inferred, WorldModel


def world_loss(
    world: WorldModel, weights: WorldLoss, now: Tensor, later: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The loss, a scalar, and the latent actions `(B, K, L)` of transitions between tokens `(B, N, token)`."""
    inferred = world.infer(now, later)
    noise = torch.randn(inferred.mean.shape, generator=generator).to(inferred.mean)
    latents, of_codes = world.codes(inferred.drawn(noise), weights.commitment)
    error = (world.imagine(now, latents) - later).square().mean()
    return error + weights.kl * divergence(inferred) + of_codes, latents


def divergence(inferred: Inferred) -> Tensor:
    """KL from a standard normal distribution, mean of a number, a scalar."""
    variance = inferred.log_variance.exp()
    each: Tensor = 0.5 * (inferred.mean.square() + variance - 1 - inferred.log_variance)
    return each.mean()
