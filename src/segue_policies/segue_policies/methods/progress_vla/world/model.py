"""The world model (ProgressVLA, Eq. 3-5 and 21; UniVLA's), in the maps F of a frozen trunk.

    encoder   [K questions, F_t, F_t+N]  -> attention -> mean, deviation of K x L -> drawn -> nearest codes = a_z
    decoder   [a_z, (noise step), F_t]   -> attention -> F_t+N - F_t

A map's neighbouring places are one token, in units of the data: zero mean, unit deviation per channel.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from segue_policies.methods.progress_vla.world.codes import Codes
from segue_policies.methods.progress_vla.world.config import WorldConfig
from segue_policies.networks.positions import sines
from segue_policies.vision.config import Given

_SPREAD = 0.02  # of places and questions at first
_SURE = -4.0  # logarithm of the variance at first: what is drawn tells something from the first step on


@dataclass(frozen=True, eq=False)
class Inferred:
    """What the encoder says of a transition: mean and logarithm of the variance, `(B, K, L)`."""

    mean: Tensor
    log_variance: Tensor

    def drawn(self, noise: Tensor) -> Tensor:
        """With standard normal `noise` `(B, K, L)`."""
        return self.mean + (0.5 * self.log_variance).exp() * noise


class WorldModel(nn.Module):
    """See above. `observe` makes tokens of maps, `pictured` maps of tokens."""

    mean: Tensor
    scale: Tensor

    def __init__(self, config: WorldConfig, given: Given, cameras: int) -> None:
        """`given` is a map of each of the `cameras`."""
        super().__init__()
        self.config, self.given, self.cameras = config, given, cameras
        columns, rows = (-(-side // config.merge) for side in given.size)
        count, token = cameras * rows * columns, given.channels * config.merge**2
        self.register_buffer("mean", torch.zeros(given.channels))
        self.register_buffer("scale", torch.ones(given.channels))
        self.encoder = Encoder(config, token, count)
        self.decoder = Decoder(config, token, count)
        self.codes = Codes(config.codes, config.latent_width)

    def observe(self, maps: Tensor) -> Tensor:
        """`(B, cameras, C, h, w)` to tokens `(B, cameras * places, C * merge^2)`."""
        merge, (width, height) = self.config.merge, self.given.size
        units = (maps - self.mean.view(-1, 1, 1)) / self.scale.view(-1, 1, 1)
        whole = functional.pad(units, (0, -width % merge, 0, -height % merge))
        tokens = functional.pixel_unshuffle(whole.flatten(0, 1), merge)
        seen: Tensor = tokens.flatten(2).transpose(1, 2).unflatten(0, (len(maps), -1)).flatten(1, 2)
        return seen

    def pictured(self, tokens: Tensor) -> Tensor:
        """Inverse of `observe`: tokens (B, n, C merge^2) to maps (B, cameras, C, h, w)."""
        merge, (width, height) = self.config.merge, self.given.size
        rows = -(-height // merge)
        grid = tokens.unflatten(1, (self.cameras, rows, -1)).movedim(
            -1, 2
        )  # (B, cameras, C merge^2, rows, columns)
        units = functional.pixel_shuffle(grid, merge)[..., :height, :width]
        return units * self.scale.view(-1, 1, 1) + self.mean.view(-1, 1, 1)

    def infer(self, now: Tensor, later: Tensor) -> Inferred:
        """Between two sets of tokens, each (B, n, C merge^2)."""
        inferred: Inferred = self.encoder(now, later)
        return inferred

    def latents(self, now: Tensor, later: Tensor) -> Tensor:
        """The latent action `(B, K, L)` between two sets of tokens, as policies are taught it."""
        return self.codes.nearest(self.infer(now, later).mean)

    def imagine(self, now: Tensor, latents: Tensor, step: Tensor | None = None) -> Tensor:
        """Tokens N ticks later; with a `step` (B,) the latents are as noisy as at that diffusion step."""
        later: Tensor = now + self.decoder(now, latents, step)
        return later


class Encoder(nn.Module):
    """Inverse dynamics."""

    def __init__(self, config: WorldConfig, token: int, count: int) -> None:
        super().__init__()
        width, numbers = config.width, 2 * config.latent_width
        self.read = nn.Linear(token, width)
        self.places = nn.Parameter(_SPREAD * torch.randn(2, count, width))  # of now, of later
        self.questions = nn.Parameter(_SPREAD * torch.randn(config.latents, width))
        self.mix = attention(config.width, config.heads, config.layers)
        self.answer = nn.Linear(width, numbers)
        nn.init.constant_(self.answer.bias[config.latent_width :], _SURE)

    def forward(self, now: Tensor, later: Tensor) -> Inferred:
        """Tokens `(B, N, token)` twice."""
        seen = torch.cat([self.read(now) + self.places[0], self.read(later) + self.places[1]], dim=1)
        asked = self.questions.expand(len(now), -1, -1)
        answers = self.answer(self.mix(torch.cat([asked, seen], dim=1))[:, : asked.shape[1]])
        mean, log_variance = answers.float().chunk(2, dim=-1)
        return Inferred(mean, log_variance.clamp(-12, 6))


class Decoder(nn.Module):
    """Forward dynamics, of clean and of noisy latents."""

    def __init__(self, config: WorldConfig, token: int, count: int) -> None:
        super().__init__()
        width = config.width
        self.read = nn.Linear(token, width)
        self.told = nn.Linear(config.latent_width, width)
        self.places = nn.Parameter(_SPREAD * torch.randn(count, width))
        self.latent_places = nn.Parameter(_SPREAD * torch.randn(config.latents, width))
        self.step = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.mix = attention(config.width, config.heads, config.layers)
        self.change = nn.Linear(width, token)
        nn.init.zeros_(self.change.weight)  # at first nothing changes
        nn.init.zeros_(self.change.bias)

    def forward(self, now: Tensor, latents: Tensor, step: Tensor | None) -> Tensor:
        """The change of tokens `(B, N, token)`; `latents` (B, K, L), `step` (B,) or none."""
        parts = [self.told(latents) + self.latent_places]
        if step is not None:
            parts.append(self.step(sines(step, self.places.shape[1]))[:, None])
        parts.append(self.read(now) + self.places)
        change: Tensor = self.change(self.mix(torch.cat(parts, dim=1))[:, -now.shape[1] :])
        return change.float()


def attention(width: int, heads: int, layers: int, dropout: float = 0.0) -> nn.TransformerEncoder:
    """Layers in which all tokens see each other, normalised at their end."""
    layer = nn.TransformerEncoderLayer(
        width, heads, 4 * width, dropout, "gelu", batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)
