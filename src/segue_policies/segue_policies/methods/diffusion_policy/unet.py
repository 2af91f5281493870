"""The convolutional noise network: a U-Net over the rows of a chunk, with observation and step in every block.

    rows      H            H/2          H/4                          H/4          H/2            H
    width     w0    ----   w1    ----   w2    -- two blocks --       w1    ----   w0    ----     D
                           kept         kept   ................. joined         joined

Two residual blocks per level. Chunks whose rows cannot be halved so often are lengthened by their last row within.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from segue_policies.methods.diffusion_policy.config import UNetConfig
from segue_policies.networks.positions import sines


def _convolution(before: int, after: int, config: UNetConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(before, after, config.kernel, padding=config.kernel // 2),
        nn.GroupNorm(config.groups, after),
        nn.Mish(),
    )


class ResidualBlock(nn.Module):
    """Two convolutions; between them the condition scales (or not) and moves every channel (FiLM)."""

    def __init__(self, before: int, after: int, condition: int, config: UNetConfig) -> None:
        super().__init__()
        self.first = _convolution(before, after, config)
        self.modulate = nn.Sequential(nn.Mish(), nn.Linear(condition, after * (2 if config.scale else 1)))
        self.second = _convolution(after, after, config)
        self.skip = nn.Conv1d(before, after, 1) if before != after else nn.Identity()
        self.scale = config.scale

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """`(B, before, rows)` and `(B, condition)` to `(B, after, rows)`."""
        inner, modulation = self.first(x), self.modulate(condition).unsqueeze(-1)
        if self.scale:
            gain, modulation = modulation.chunk(2, dim=1)
            inner = gain * inner
        total: Tensor = self.second(inner + modulation) + self.skip(x)
        return total


class Level(nn.Module):
    """Two residual blocks, and a change of the number of rows behind them."""

    def __init__(
        self, widths: tuple[int, int], condition: int, config: UNetConfig, resize: nn.Module
    ) -> None:
        super().__init__()
        before, after = widths
        sizes = ((before, after), (after, after))
        self.blocks = nn.ModuleList(ResidualBlock(*size, condition, config) for size in sizes)
        self.resize = resize

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """What the blocks make of `(B, W, H)`, and that in another number of rows; `condition` is `(B, C)`."""
        for block in self.blocks:
            x = block(x, condition)
        return x, self.resize(x)


class UNet1d(nn.Module):
    """Noise in a chunk."""

    def __init__(self, config: UNetConfig, dim: int, condition: int) -> None:
        """`dim` is D, `condition` the width of all observations together."""
        super().__init__()
        widths, conditioning = config.widths, condition + config.step_width
        self.step_width = config.step_width
        self.divisor = 2 ** (len(widths) - 1)
        self.step = nn.Sequential(
            nn.Linear(config.step_width, 4 * config.step_width),
            nn.Mish(),
            nn.Linear(4 * config.step_width, config.step_width),
        )
        halve = [nn.Conv1d(width, width, 3, 2, 1) for width in widths[:-1]]
        self.down = nn.ModuleList(
            Level(pair, conditioning, config, resize)
            for pair, resize in zip(pairwise((dim, *widths)), [*halve, nn.Identity()], strict=True)
        )
        self.middle = Level((widths[-1], widths[-1]), conditioning, config, nn.Identity())
        self.up = nn.ModuleList(
            Level((2 * after, before), conditioning, config, nn.ConvTranspose1d(before, before, 4, 2, 1))
            for before, after in reversed(list(pairwise(widths)))
        )
        self.last = nn.Sequential(_convolution(widths[0], widths[0], config), nn.Conv1d(widths[0], dim, 1))

    def forward(self, noisy: Tensor, step: Tensor, condition: Tensor) -> Tensor:
        """`(B, H, D)`, steps `(B,)` and observations `(B, T, C)` to `(B, H, D)`."""
        rows = noisy.shape[1]
        conditioning = torch.cat([self.step(sines(step, self.step_width)), condition.flatten(1)], dim=1)
        x = functional.pad(noisy.transpose(1, 2), (0, -rows % self.divisor), mode="replicate")
        kept: list[Tensor] = []
        for level in self.down:
            found, x = level(x, conditioning)
            kept.append(found)
        _, x = self.middle(x, conditioning)
        for level in self.up:
            _, x = level(torch.cat([x, kept.pop()], dim=1), conditioning)
        noise: Tensor = self.last(x)[..., :rows]
        return noise.transpose(1, 2)
