"""A small causal video autoencoder: latent pictures, which the world model predicts, and back.

    picture t, picture t-1  -->  z_t (latent channels, h / 16, w / 16)  -->  picture t, picture t-1

z_t knows what was seen up to t and nothing later. That it has to give the picture before as well is what puts motion
into it. Every place of z_t has zero mean and unit deviation over its channels, so noise of unit deviation fits it.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from segue_policies.methods.lingbot_va.config import DOWNSAMPLING, WorldConfig
from segue_policies.vision.config import PIXELS

_FRAMES = 2


def _down(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, 1), nn.GroupNorm(4, outputs), nn.SiLU())


def _up(inputs: int, outputs: int) -> nn.Sequential:
    wide = nn.Conv2d(inputs, 4 * outputs, 3, 1, 1)
    return nn.Sequential(wide, nn.PixelShuffle(2), nn.GroupNorm(4, outputs), nn.SiLU())


def screen(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """From (n, inputs, h / 16, w / 16) to pictures (n, outputs, h, w); `width` is of its last stage."""
    stages = [inputs, 4 * width, 2 * width, width, width]
    return nn.Sequential(*(_up(a, b) for a, b in pairwise(stages)), nn.Conv2d(width, outputs, 3, 1, 1))


def resized(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """(..., 3, h, w) at another height and width, which are no larger."""
    flat = functional.interpolate(pictures.flatten(0, -4), size, mode="area")
    small: Tensor = flat.unflatten(0, pictures.shape[:-3])
    return small


class Autoencoder(nn.Module):
    """See above; pictures of all cameras are encoded alike.

    Attributes:
        grid: rows and columns of a latent picture's places.
        shots: pictures of a step.
    """

    shots = 1

    def __init__(self, config: WorldConfig) -> None:
        super().__init__()
        width = config.autoencoder_width
        self.size = (config.picture[1], config.picture[0])
        self.grid = (self.size[0] // DOWNSAMPLING, self.size[1] // DOWNSAMPLING)
        stages = [width, 2 * width, 4 * width, 4 * width]
        self.look = nn.Sequential(*(_down(a, b) for a, b in zip([PIXELS, *stages[:-1]], stages, strict=True)))
        self.latent = nn.Conv2d(_FRAMES * stages[-1], config.latent, 1)
        self.open = nn.Conv2d(config.latent, stages[-1], 3, 1, 1)
        self.show = screen(stages[-1], width, _FRAMES * PIXELS)

    def features(self, pictures: Tensor) -> Tensor:
        """Of each picture (..., 3, h, w) alone: (..., C, h / 16, w / 16)."""
        small = resized(pictures, self.size)
        found: Tensor = self.look(small.flatten(0, -4)).unflatten(0, small.shape[:-3])
        return found

    def join(self, before: Tensor, now: Tensor) -> Tensor:
        """Latent pictures (..., latent, h', w') of the features of two steps."""
        both = torch.cat([before, now], dim=-3)
        latent = self.latent(both.flatten(0, -4)).unflatten(0, both.shape[:-3])
        return functional.layer_norm(latent.movedim(-3, -1), latent.shape[-3:-2]).movedim(-1, -3)

    def prepare(self) -> None:
        """There is nothing to read."""

    def step(self, pictures: Tensor, kept: Tensor | None) -> tuple[Tensor, Tensor]:
        """Latent pictures (cameras, latent, h', w') of a step's (1, cameras, 3, h, w), and what the next one needs."""
        features = self.features(pictures).float()
        return self.join(features if kept is None else kept, features)[0], features

    def encode(self, pictures: Tensor, begins: Tensor) -> Tensor:
        """Latent pictures (B, L, cameras, latent, h', w') of (B, L, cameras, 3, h, w).

        Before the first step, and where an episode `begins` (B, L), stands the same picture again.
        """
        return self.latents(self.features(pictures), begins)

    def latents(self, features: Tensor, begins: Tensor) -> Tensor:
        """The same of the features (B, L, cameras, C, h', w') of each picture."""
        before = torch.cat([features[:, :1], features[:, :-1]], dim=1)
        before = torch.where(begins[:, :, None, None, None, None], features, before)
        return self.join(before, features)

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures (..., 2, 3, h, w), this and the one before, of latent ones (..., latent, h', w')."""
        flat = self.show(self.open(latents.flatten(0, -4))).unflatten(1, (_FRAMES, PIXELS))
        shown: Tensor = flat.unflatten(0, latents.shape[:-3])
        return shown

    def decoded(self, latents: Tensor, before: Tensor) -> Tensor:
        """Pictures (n, cameras, 3, h, w) of latent ones (n, cameras, latent, h', w'); what was `before` is in each."""
        return self.decode(latents)[:, :, 0]

    def loss(self, pictures: Tensor, begins: Tensor) -> Tensor:
        """Mean squared error of what comes back of (B, L, cameras, 3, h, w)."""
        small = resized(pictures, self.size)
        before = torch.cat([small[:, :1], small[:, :-1]], dim=1)
        before = torch.where(begins[:, :, None, None, None, None], small, before)
        wanted = torch.stack([small, before], dim=3)
        return functional.mse_loss(self.decode(self.encode(pictures, begins)), wanted)


def tokens_of(latents: Tensor) -> Tensor:
    """Views side by side, as tokens: (..., cameras, latent, h', w') to (..., h' cameras w', latent)."""
    return latents.movedim(-3, -1).movedim(-4, -3).flatten(-4, -2)


def views_of(tokens: Tensor, cameras: int, rows: int) -> Tensor:
    """`tokens_of` the other way: (..., N, latent) to (..., cameras, latent, h', w'), `rows` of them."""
    apart: Tensor = tokens.unflatten(-2, (rows, cameras, -1))
    return apart.movedim(-3, -4).movedim(-1, -3)
