"""ACT's network: a style variable from the demonstrated chunk in training, a chunk from style and observation always.

training only    [CLS] state a_0 ... a_{H-1}  -> style encoder -> mu, log sigma^2 -> z       (padded rows hidden)
always           z state image-features       -> encoder -> memory
                 H learned queries            -> decoder -> chunk (H, D)                     (z = 0 when serving)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from segue_policies.methods.act.config import NetworkConfig
from segue_policies.methods.act.layers import Decoder, Encoder, xavier
from segue_policies.networks.map_stage import MapStage
from segue_policies.networks.positions import sine_grid, sine_table
from segue_policies.networks.pretrained import VisionTrunk
from segue_policies.networks.resnet import ResNet
from segue_policies.samples.normaliser import IMAGE_GAIN, IMAGENET_DEVIATION

Trunk = ResNet | VisionTrunk | MapStage
"""`(B, 3, h, w)` to a feature map of `channels`; of a frozen trunk's map to a smaller one."""


@dataclass(frozen=True, eq=False)
class Style:
    """Posterior of the style variable: mean and logarithm of the variance, (B, Z)."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """`z` from standard normal `noise` (B, Z)."""
        return self.mean + (0.5 * self.log_variance).exp() * noise


class StyleEncoder(nn.Module):
    """The CVAE's encoder `q(z | actions, state)`; images are left out, as in the paper, for speed."""

    table: Tensor

    def __init__(self, config: NetworkConfig, state_dim: int, chunk_shape: tuple[int, int]) -> None:
        super().__init__()
        rows, action_dim = chunk_shape
        self.begin = nn.Parameter(torch.randn(config.width))
        self.state = nn.Linear(state_dim, config.width)
        self.action = nn.Linear(action_dim, config.width)
        self.encoder = Encoder(config)
        self.posterior = nn.Linear(config.width, 2 * config.latent)
        self.register_buffer("table", sine_table(rows + 2, config.width), persistent=False)

    def forward(self, state: Tensor, actions: Tensor, real: Tensor) -> Style:
        """`(B, S)`, `(B, H, D)` and `(B, H)`, true where a row was demonstrated."""
        begin = self.begin.expand(len(state), 1, -1)
        tokens = torch.cat([begin, self.state(state)[:, None], self.action(actions)], dim=1)
        hidden = torch.cat([real.new_zeros(len(real), 2), ~real], dim=1)
        encoded = self.encoder(tokens, self.table, hidden)[:, 0]
        mean, log_variance = self.posterior(encoded).float().chunk(2, dim=-1)
        return Style(mean, log_variance)


class ActNet(nn.Module):
    """The policy `(images, state, z)` to a chunk, and the style encoder that only training uses."""

    pixel_gain: Tensor

    def __init__(
        self, config: NetworkConfig, state_dim: int, chunk_shape: tuple[int, int], trunk: Trunk
    ) -> None:
        """`chunk_shape` is (H, D)."""
        super().__init__()
        rows, action_dim = chunk_shape
        self.latent = config.latent
        self.backbone = trunk
        self.pixels = nn.Conv2d(self.backbone.channels, config.width, 1)
        self.state = nn.Linear(state_dim, config.width)
        self.style = nn.Linear(config.latent, config.width)
        self.place = nn.Parameter(torch.randn(2, config.width))  # of the style and state tokens
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.queries = nn.Parameter(torch.randn(rows, config.width))
        self.leave = nn.Linear(config.width, action_dim)
        self.style_encoder = StyleEncoder(config, state_dim, chunk_shape) if config.style_encoder else None
        gain = 1.0 / (IMAGE_GAIN * torch.tensor(IMAGENET_DEVIATION)).view(3, 1, 1)
        unchanged = torch.ones(1, 1, 1)
        shown = unchanged if isinstance(trunk, MapStage) else gain
        self.register_buffer("pixel_gain", shown, persistent=False)
        xavier([self.encoder, self.decoder])

    def forward(self, images: Tensor, state: Tensor, z: Tensor | None = None) -> Tensor:
        """Chunk `(B, H, D)`, normalised, float32.

        Args:
            images: (B, cameras, 3, h, w), normalised.
            state: (B, S), normalised.
            z: (B, Z); zero, the mean of the prior, if absent.
        """
        z = state.new_zeros(len(state), self.latent) if z is None else z
        seen, seen_place = self._see(images)
        tokens = torch.cat([self.style(z)[:, None], self.state(state)[:, None], seen], dim=1)
        place = torch.cat([self.place, seen_place])
        decoded = self.decoder(self.queries, self.encoder(tokens, place), place)
        chunk: Tensor = self.leave(decoded)
        return chunk.float()

    def _see(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens of all cameras `(B, cameras * h' * w', W)` and their places, which all cameras share."""
        batch, cameras = images.shape[:2]
        features = self.pixels(self.backbone(images.flatten(0, 1) * self.pixel_gain))
        height, width = features.shape[2:]
        tokens = features.flatten(2).transpose(1, 2).reshape(batch, cameras * height * width, -1)
        place = sine_grid(height, width, features.shape[1]).to(tokens)
        return tokens, place.repeat(cameras, 1)
