"""Observations, and the noise that a network finds in a chunk in front of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue_policies.methods.diffusion_policy.config import DiffusionConfig, DiffusionSettings
from segue_policies.methods.diffusion_policy.observation import Observer
from segue_policies.methods.diffusion_policy.samplers import Draw, PredictNoise, sample
from segue_policies.methods.diffusion_policy.transformer import NoiseTransformer
from segue_policies.methods.diffusion_policy.unet import UNet1d
from segue_policies.supervised.config import Shape


class DiffusionNet(nn.Module):
    """Encoder and noise network; `diffusion` says what noise it was trained on and how chunks are drawn."""

    def __init__(
        self, encoder: Observer, head: UNet1d | NoiseTransformer, diffusion: DiffusionConfig
    ) -> None:
        super().__init__()
        self.encoder, self.head, self.diffusion = encoder, head, diffusion

    def observe(self, images: Tensor, state: Tensor) -> Tensor:
        """Normalised observations to `(B, T, C)`, see `Observer`."""
        observed: Tensor = self.encoder(images, state)
        return observed

    def forward(self, noisy: Tensor, step: Tensor, condition: Tensor) -> Tensor:
        """Noise in `(B, H, D)` at steps `(B,)`, in front of observations `(B, T, C)`."""
        noise: Tensor = self.head(noisy, step, condition)
        return noise.float()

    def bind(self, condition: Tensor) -> PredictNoise:
        """The same for a sampler: of chunks `(B, H, D)` that all are at one step."""
        return lambda noisy, step: self(
            noisy, torch.full((len(noisy),), step, device=noisy.device), condition
        )

    def sample(self, condition: Tensor, draw: Draw) -> Tensor:
        """Chunks `(B, H, D)` by the sampler of the settings."""
        return sample(self.bind(condition), self.diffusion, draw)


def build_network(settings: DiffusionSettings, shape: Shape) -> DiffusionNet:
    """A fresh network; raises ConfigError for an image encoder that does not go with a frozen trunk."""
    network = settings.network
    encoder = Observer(network, shape)
    if network.backbone == "unet":
        unet = UNet1d(network.unet, shape.dim, shape.observations * encoder.width)
        return DiffusionNet(encoder, unet, settings.diffusion)
    sizes = (shape.horizon, shape.dim, shape.observations, encoder.width)
    return DiffusionNet(encoder, NoiseTransformer(network.transformer, *sizes), settings.diffusion)
