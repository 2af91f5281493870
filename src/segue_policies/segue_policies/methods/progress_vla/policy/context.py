"""What the denoisers see: the observation and the instruction as a few tokens.

of every camera   its map in patches, and one token of the places that its keypoints look at
beside them       the measured state, and the mean of the instruction's words
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from segue_policies.methods.progress_vla.config import NetworkConfig
from segue_policies.methods.progress_vla.policy.config import ContextConfig
from segue_policies.methods.progress_vla.world.model import attention
from segue_policies.networks.encoders import ImageEncoder
from segue_policies.supervised.config import Shape
from segue_policies.vision.config import Given

_SPREAD = 0.02  # of places at first
_CHANNELS, _VALUES = (32, 64, 64), 8  # of the keypoints' encoder, which behind a trunk has one layer


class Context(nn.Module):
    """See above."""

    def __init__(self, config: ContextConfig, language: NetworkConfig, shape: Shape) -> None:
        super().__init__()
        width, cameras, given = config.width, len(shape.cameras), Given(shape.channels, shape.image_size)
        self.merge, self.size = config.merge, given.size
        count = cameras * (1 + (-(-given.size[0] // self.merge)) * (-(-given.size[1] // self.merge)))
        self.patches = nn.Conv2d(given.channels, width, self.merge, self.merge)
        self.keypoints = nn.ModuleList(
            ImageEncoder(given, _CHANNELS, config.keypoints, _VALUES, width) for _ in range(cameras)
        )
        self.state = nn.Linear(shape.state, width)
        self.words = nn.Embedding(language.word_buckets + 1, width, padding_idx=0)
        self.word_places = nn.Parameter(_SPREAD * torch.randn(language.longest, width))
        self.places = nn.Parameter(_SPREAD * torch.randn(count + 2, width))
        self.mix = attention(width, config.heads, config.layers) if config.layers else nn.Identity()

    def forward(self, maps: Tensor, state: Tensor, words: Tensor) -> Tensor:
        """`(B, cameras, C, h, w)`, normalised `(B, S)` and rows of words `(B, L)` to tokens `(B, M, W)`."""
        width, height = self.size
        whole = functional.pad(maps, (0, -width % self.merge, 0, -height % self.merge)).flatten(0, 1)
        patches = self.patches(whole).flatten(2).transpose(1, 2).unflatten(0, (len(maps), -1)).flatten(1, 2)
        looked = [encoder(seen) for encoder, seen in zip(self.keypoints, maps.unbind(1), strict=True)]
        spoken = (words != 0).unsqueeze(-1).to(patches)
        told = ((self.words(words) + self.word_places) * spoken).sum(1) / spoken.sum(1).clamp(min=1)
        alone = torch.stack([*looked, self.state(state), told], dim=1)
        tokens: Tensor = self.mix(torch.cat([patches, alone], dim=1) + self.places)
        return tokens
