"""The policy's networks (ProgressVLA, App. D).

context    observation, instruction                          -> tokens
expert     noisy latent action, step, context                -> its noise
decoder    noisy chunk, step, context, noisy latent action   -> the chunk's noise
evaluator  trained before, and not here: what a latent action is, and what progress follows it
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue_policies.methods.progress_vla.build import build_network as build_estimator
from segue_policies.methods.progress_vla.evaluator.model import Evaluator
from segue_policies.methods.progress_vla.policy.config import PolicyTraining
from segue_policies.methods.progress_vla.policy.context import Context
from segue_policies.methods.progress_vla.policy.denoiser import Denoiser
from segue_policies.methods.progress_vla.world.model import WorldModel
from segue_policies.supervised.config import Shape
from segue_policies.vision.config import Given


class PolicyNet(nn.Module):
    """See above."""

    def __init__(self, settings: PolicyTraining, shape: Shape) -> None:
        super().__init__()
        given, cameras, world = Given(shape.channels, shape.image_size), len(shape.cameras), settings.world
        self.evaluator = Evaluator(
            build_estimator(settings.progress, given, cameras), WorldModel(world, given, cameras)
        )
        self.settings, sizes = settings, settings.context
        self.context = Context(sizes, settings.progress, shape)
        self.expert = Denoiser(settings.expert, sizes, world.latents, world.latent_width)
        self.told = nn.Linear(world.latent_width, sizes.width)
        self.told_places = nn.Parameter(0.02 * torch.randn(world.latents, sizes.width))
        self.decoder = Denoiser(settings.decoder, sizes, shape.horizon, shape.dim)

    def forward(self, maps: Tensor, state: Tensor, words: Tensor) -> Tensor:
        """The context `(B, M, W)`, see `Context`."""
        tokens: Tensor = self.context(maps, state, words)
        return tokens

    def latent_noise(self, latents: Tensor, step: Tensor, context: Tensor) -> Tensor:
        """Noise in latent actions `(B, K, L)` at steps `(B,)`."""
        noise: Tensor = self.expert(latents, step, context)
        return noise

    def action_noise(self, rows: Tensor, latents: Tensor, step: Tensor, context: Tensor) -> Tensor:
        """Noise in chunks `(B, H, D)`, which `latents` `(B, K, L)` as noisy as at that step plan."""
        plan = self.told(latents) + self.told_places
        noise: Tensor = self.decoder(rows, step, torch.cat([context, plan], dim=1))
        return noise


def build_network(settings: PolicyTraining, shape: Shape) -> PolicyNet:
    """A fresh network."""
    return PolicyNet(settings, shape)
