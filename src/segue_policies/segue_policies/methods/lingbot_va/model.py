"""The network: tokens of pictures and of actions, each at a flow time of its own, to the velocities of their flows.

x(s) = (1 - s) noise + s x,    velocity dx/ds = x - noise,    s = 0 noise, s = 1 as it was
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_policies.methods.lingbot_va.actions import WIDTH, ActionUnits
from segue_policies.methods.lingbot_va.autoencoder import Autoencoder
from segue_policies.methods.lingbot_va.config import WorldConfig
from segue_policies.methods.lingbot_va.keypoints import KeypointLatents
from segue_policies.methods.lingbot_va.layers import CHANGES, Block, Given, Keys, begin_as, rates
from segue_policies.methods.lingbot_va.speech import Speech
from segue_policies.methods.lingbot_va.wan import WanLatents
from segue_policies.networks.words import word_rows
from segue_policies.supervised.config import Shape
from segue_policies.vision.config import PIXELS

ACTION_HIDDEN = 256
_TIMES = 64
_TIME_SCALE = 1000.0
_SLOWEST = (500.0, 30.0, 30.0)


@dataclass(frozen=True, eq=False)
class Tokens:
    """Tokens of one stream.

    Args:
        values: (B, n, C), latent places or universal actions.
        time: (B, n), flow time of each.
        where: (B, n, 3), step, row and column.
    """

    values: Tensor
    time: Tensor
    where: Tensor

    def repeated(self, count: int) -> Tokens:
        """A batch of one, `count` times."""
        return Tokens(*(part.expand(count, *part.shape[1:]) for part in (self.values, self.time, self.where)))


@dataclass(frozen=True, eq=False)
class Text:
    """Instructions: vectors (B, words, W), and where there is a word."""

    vectors: Tensor
    spoken: Tensor


class Ends(nn.Module):
    """From numbers to one stream's tokens, and from its tokens to velocities."""

    last: nn.Parameter

    def __init__(self, inward: nn.Module, numbers: int, width: int) -> None:
        super().__init__()
        self.inward = inward
        self.time = nn.Sequential(nn.Linear(_TIMES, width), nn.SiLU(), nn.Linear(width, width))
        self.changes = nn.Sequential(nn.SiLU(), nn.Linear(width, CHANGES * width))
        self.last = nn.Parameter(torch.randn(2, width) / width**0.5)
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.outward = nn.Linear(width, numbers)
        nn.init.zeros_(self.outward.weight)
        nn.init.zeros_(self.outward.bias)

    def enter(self, tokens: Tokens) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens (B, n, width), embedded times alike, and what these change in blocks, (B, n, 6, width)."""
        time = self.time(waves(tokens.time))
        return self.inward(tokens.values), time, self.changes(time).unflatten(-1, (CHANGES, -1))

    def leave(self, tokens: Tensor, time: Tensor) -> Tensor:
        """Velocities (B, n, numbers)."""
        shift, scale = (self.last[i] + time for i in (0, 1))
        out: Tensor = self.outward(self.norm(tokens) * (1 + scale) + shift)
        return out


class WorldNet(nn.Module):
    """Autoencoder, units of actions, and the transformer of two streams."""

    def __init__(self, config: WorldConfig, shape: Shape) -> None:
        super().__init__()
        self.config, self.cameras = config, len(shape.cameras)
        self.autoencoder = _latents(config, shape)
        high, wide = self.autoencoder.grid
        self.grid = (high, self.cameras * wide)
        width, narrow = config.width, config.action_width
        self.units = ActionUnits()
        self.video = Ends(nn.Linear(config.latent, width), config.latent, width)
        embedding = nn.Sequential(
            nn.Linear(WIDTH, ACTION_HIDDEN), nn.SiLU(), nn.Linear(ACTION_HIDDEN, narrow)
        )
        self.action = Ends(embedding, WIDTH, narrow)
        self.words = (
            nn.Embedding(config.word_buckets + 1, width)
            if config.language is None
            else Speech(Path(config.language).expanduser(), width, config.longest)
        )
        self.blocks = nn.ModuleList(
            Block((width, narrow), config.heads, config.feedforward) for _ in range(config.layers)
        )

    @property
    def frame(self) -> int:
        """Tokens N of one step's pictures."""
        return self.grid[0] * self.grid[1]

    def prepare(self) -> None:
        """Read what the network looks and listens through; raises PolicyError where it is missing or does not fit."""
        self.autoencoder.prepare()
        if isinstance(self.words, Speech):
            self.words.prepare()

    def spelt(self, instruction: str) -> NDArray[np.int64]:
        """An instruction as a row (longest,), which `read` reads."""
        if isinstance(self.words, Speech):
            return self.words.spelt(instruction)
        return word_rows(instruction, self.config.longest, self.config.word_buckets)

    def read(self, rows: Tensor) -> Text:
        """Instructions as rows (B, longest), 0 behind the last word or for none; the same vector begins each."""
        if isinstance(self.words, Speech):
            return Text(*self.words.read(rows))
        vectors = self.words(torch.cat([torch.zeros_like(rows[:, :1]), rows], dim=1))
        spoken = torch.cat([torch.ones_like(rows[:, :1], dtype=torch.bool), rows > 0], dim=1)
        return Text(vectors, spoken)

    def video_tokens(self, values: Tensor, time: Tensor, steps: Tensor) -> Tokens:
        """Tokens (B, n N, latent) of `n` steps (B, n), which have a flow time each, (B, n)."""
        rows, columns = self.grid
        place = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).to(steps.device)
        count = steps.shape[1]
        step = steps.repeat_interleave(self.frame, dim=1).float()
        grid = place.float().repeat(count, 1).expand(len(steps), -1, -1)
        where = torch.cat([step[..., None], grid], dim=-1)
        return Tokens(values, time.repeat_interleave(self.frame, dim=1), where)

    def action_tokens(self, values: Tensor, time: Tensor, steps: Tensor) -> Tokens:
        """Tokens (B, n tau, 30) of the actions that lead to `n` steps (B, n), with a flow time each, (B, n)."""
        every = self.config.every
        part = (torch.arange(every, device=steps.device) + 1 - every) / every
        step = (steps[..., None] + part).flatten(1)
        where = torch.stack([step, torch.zeros_like(step), torch.zeros_like(step)], dim=-1)
        return Tokens(values, time.repeat_interleave(every, dim=1), where)

    def forward(
        self,
        video: Tokens,
        action: Tokens,
        text: Text,
        mask: Tensor | None = None,
        kept: Sequence[Keys] | None = None,
    ) -> tuple[Tensor, Tensor, list[Keys]]:
        """Velocities of pictures (B, n, latent) and actions (B, m, 30), and all blocks' keys and values of the tokens.

        `mask` (B, n + m, kept + n + m) is true where a token may look; `kept` are of earlier passes, looked at too.
        """
        ends = (self.video, self.action)
        entered = [end.enter(part) for end, part in zip(ends, (video, action), strict=True)]
        tokens = entered[0][0], entered[1][0]
        changes = entered[0][2], entered[1][2]
        where = torch.cat([video.where, action.where], dim=1)
        given = Given(self._angles(where), text.vectors, text.spoken, None if mask is None else mask[:, None])
        made: list[Keys] = []
        for index, block in enumerate(self.blocks):
            tokens, keys = block(tokens, changes, given, None if kept is None else kept[index])
            made.append(keys)
        velocities = [
            end.leave(part, entry[1]) for end, part, entry in zip(ends, tokens, entered, strict=True)
        ]
        return velocities[0], velocities[1], made

    def _angles(self, where: Tensor) -> Tensor:
        """How far pairs are turned, (B, n, 1, W / heads / 2): most by the step, the others by row and column."""
        pairs = self.config.width // self.config.heads // 2
        side = pairs // 4
        shares = (pairs - 2 * side, side, side)
        parts = [
            where[..., axis : axis + 1] * rates(count, slowest).to(where)
            for axis, (count, slowest) in enumerate(zip(shares, _SLOWEST, strict=True))
        ]
        return torch.cat(parts, dim=-1)[:, :, None]


def _latents(config: WorldConfig, shape: Shape) -> Autoencoder | KeypointLatents | WanLatents:
    if config.vae is not None:
        return WanLatents(config)
    return Autoencoder(config) if shape.channels == PIXELS else KeypointLatents(config, shape)


def waves(time: Tensor) -> Tensor:
    """Sines and cosines (..., 64) of flow times (...)."""
    half = _TIMES // 2
    rate = torch.exp(-math.log(10000.0) * torch.arange(half, device=time.device) / half)
    phase = _TIME_SCALE * time[..., None] * rate
    return torch.cat([phase.sin(), phase.cos()], dim=-1)


def begin_action_stream(net: WorldNet) -> None:
    """Give the action stream's blocks the video stream's first weights, made narrower."""
    for block in net.blocks:
        assert isinstance(block, Block)
        begin_as(block.action, block.video)


def build_network(config: WorldConfig, shape: Shape) -> WorldNet:
    """As `WorldNet`, for learner and policy."""
    return WorldNet(config, shape)
