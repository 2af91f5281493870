"""Noise in a few tokens, in front of a context: the network of both diffusions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue_policies.methods.progress_vla.policy.config import ContextConfig, DenoiserConfig
from segue_policies.networks.positions import sines

_SPREAD = 0.02  # of places at first


class Denoiser(nn.Module):
    """Tokens `(B, n, d)` attend to each other and to the context; the diffusion step is added to each."""

    def __init__(self, config: DenoiserConfig, context: ContextConfig, count: int, dim: int) -> None:
        """`count` n tokens of `dim` d numbers."""
        super().__init__()
        self.width = context.width
        self.read = nn.Linear(dim, self.width)
        self.places = nn.Parameter(_SPREAD * torch.randn(count, self.width))
        self.step = nn.Sequential(
            nn.Linear(self.width, self.width), nn.SiLU(), nn.Linear(self.width, self.width)
        )
        layer = nn.TransformerDecoderLayer(
            self.width,
            context.heads,
            4 * self.width,
            config.dropout,
            "gelu",
            batch_first=True,
            norm_first=True,
        )
        self.mix = nn.TransformerDecoder(layer, config.layers, nn.LayerNorm(self.width))
        self.noise = nn.Linear(self.width, dim)

    def forward(self, noisy: Tensor, step: Tensor, context: Tensor) -> Tensor:
        """Noise `(B, n, d)` in `noisy` at steps `(B,)`; `context` is `(B, M, W)`."""
        tokens = self.read(noisy) + self.places + self.step(sines(step, self.width))[:, None]
        noise: Tensor = self.noise(self.mix(tokens, context))
        return noise.float()
