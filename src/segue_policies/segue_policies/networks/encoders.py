"""Image and observation encoders, sized to train on a few CPU cores.

    image (3, 72, 96) -> conv 5x5 /2 -> conv 3x3 /2 -> conv 3x3 -> feature map (C, 18, 24)
        keypoints:  K attention maps -> where each one looks (x, y) and what is there (V values)   precise places
        layout:     conv 3x3 /2 -> 8 x 9 x 12, flattened                                          presence, gist

Behind a frozen trunk the picture is its feature map already, and one learned 1x1 convolution takes the place of the
three: keypoints and layout are as above.

No normalisation layers: on these small maps they cost more than the convolutions (half of the throughput of a
training step), and He initialisation with a warmed-up AdamW trains the five layers without them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from segue_policies.vision.config import Given

LAYOUT_CHANNELS = 8
_DEEPENED = 64


class SpatialAttention(nn.Module):
    """Soft keypoints: expected image coordinates and pooled values under K learned attention maps."""

    grid: Tensor

    def __init__(self, channels: int, keypoints: int, values: int, map_size: tuple[int, int]) -> None:
        """`map_size` is `(height, width)` of the feature map; output width is `keypoints * (2 + values)`."""
        super().__init__()
        self.keypoints = keypoints
        self.project = nn.Conv2d(channels, keypoints + values, 1)
        self.width = keypoints * (2 + values)
        rows, columns = (torch.linspace(-1.0, 1.0, size) for size in map_size)
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        self.register_buffer(
            "grid", torch.stack([x, y]).flatten(1), persistent=False
        )  # (2, h*w), x right, y down

    def forward(self, features: Tensor) -> Tensor:
        """`(B, C, h, w)` to `(B, K * (2 + V))`; coordinates in float32, they need more than bfloat16's 8 bits."""
        projected = self.project(features).flatten(2).float()  # (B, K + V, h*w)
        logits, values = projected.tensor_split([self.keypoints], dim=1)
        looked_at = torch.cat([self.grid.expand(len(features), -1, -1), values], dim=1)  # (B, 2 + V, h*w)
        with torch.autocast(features.device.type, enabled=False):
            return torch.bmm(logits.softmax(dim=-1), looked_at.transpose(1, 2)).flatten(1)


class ImageEncoder(nn.Module):
    """One camera's image to an embedding; see the drawing above."""

    def __init__(
        self, given: Given, channels: Sequence[int], keypoints: int, values: int, width: int
    ) -> None:
        """`channels` are those of the three convolutions; sides in pixels are multiples of 8."""
        super().__init__()
        third = channels[-1]
        self.pixels = given.pixels
        self.trunk = _from_pixels(channels) if given.pixels else _from_map(given.channels, third)
        shrunk = 4 if given.pixels else 1
        map_size = (given.size[1] // shrunk, given.size[0] // shrunk)
        self.keypoints = SpatialAttention(third, keypoints, values, map_size)
        self.layout = nn.Sequential(
            nn.Conv2d(third, LAYOUT_CHANNELS, 3, 2, 1), nn.ReLU(inplace=True), nn.Flatten()
        )
        layout_width = LAYOUT_CHANNELS * math.prod((side + 1) // 2 for side in map_size)
        self.mix = nn.Linear(self.keypoints.width + layout_width, width)
        self.apply(_prepare)

    def forward(self, image: Tensor) -> Tensor:
        """`(B, C, h, w)` normalised, pixels ideally channels-last, to `(B, width)`."""
        features = self.trunk(image if self.pixels else image.contiguous(memory_format=torch.channels_last))
        found = torch.cat([self.keypoints(features), self.layout(features).float()], dim=1)
        mixed: Tensor = self.mix(found)
        return functional.silu(mixed)


class Places(nn.Module):
    """The map of a frozen trunk to numbers that are linear in places: soft keypoints and values there, mixed."""

    def __init__(self, given: Given, numbers: int, keypoints: int = 32, values: int = 2) -> None:
        super().__init__()
        self.deepen = _from_map(given.channels, _DEEPENED)
        self.keypoints = SpatialAttention(_DEEPENED, keypoints, values, given.size[::-1])
        self.mix = nn.Linear(self.keypoints.width, numbers)

    def forward(self, maps: Tensor) -> Tensor:
        """`(B, C, h, w)` to `(B, numbers)`."""
        mixed: Tensor = self.mix(self.keypoints(self.deepen(maps)))
        return mixed


class ObservationEncoder(nn.Module):
    """All cameras and the proprioceptive state to one embedding.

    Cameras that name the same encoder share its weights: two wrist cameras see the same kind of picture, and sharing
    doubles the pictures that each weight learns from.
    """

    def __init__(
        self, encoders: Mapping[str, ImageEncoder], camera_encoder: Sequence[str],
        image_width: int, state_width: int, width: int,
    ) -> None:  # fmt: skip
        """`camera_encoder` names the encoder of each camera, in the order of the observation's cameras."""
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.camera_encoder = tuple(camera_encoder)
        joined = image_width * len(self.camera_encoder) + state_width
        self.trunk = nn.Sequential(nn.Linear(joined, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, images: Tensor, state: Tensor) -> Tensor:
        """`(B, cameras, 3, h, w)` and `(B, S)`, both normalised, to `(B, width)`."""
        return self.join(self.embed(images), state)

    def embed(self, images: Tensor) -> Tensor:
        """Image embeddings `(B, cameras * image_width)`: what does not change while the encoders are frozen."""
        embedded: list[Tensor] = [torch.empty(0)] * len(self.camera_encoder)
        for name, encoder in self.encoders.items():
            seen = [index for index, used in enumerate(self.camera_encoder) if used == name]
            stacked = torch.cat([images[:, index] for index in seen])
            for index, part in zip(seen, encoder(stacked).chunk(len(seen)), strict=True):
                embedded[index] = part
        return torch.cat(embedded, dim=1)

    def join(self, embedded: Tensor, state: Tensor) -> Tensor:
        """`(B, cameras * image_width)` and `(B, S)` to `(B, width)`."""
        joined: Tensor = self.trunk(torch.cat([embedded, state], dim=1))
        return joined


def _from_pixels(channels: Sequence[int]) -> nn.Sequential:
    first, second, third = channels
    return nn.Sequential(
        nn.Conv2d(3, first, 5, 2, 2), nn.ReLU(inplace=True),
        nn.Conv2d(first, second, 3, 2, 1), nn.ReLU(inplace=True),
        nn.Conv2d(second, third, 3, 1, 1), nn.ReLU(inplace=True),
    )  # fmt: skip


def _from_map(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 1), nn.ReLU(inplace=True))


def _prepare(layer: nn.Module) -> None:
    """He initialisation, and weights in the memory order of the images (channels last)."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
