"""Pictures and measured state to one vector per observation.

picture of a camera -> its encoder -> (E,)        observation: pictures and state, one after the other, (C,)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.methods.diffusion_policy.config import NetworkConfig
from segue_policies.networks.encoders import ImageEncoder, SpatialAttention
from segue_policies.networks.resnet import ResNet
from segue_policies.supervised.config import Shape
from segue_policies.vision.config import Given

_CHANNELS = (32, 64, 64)
_VALUES = 8  # features pooled under each keypoint
_SHRUNK = 32  # pixels per place of ResNet's map


class ResNetEncoder(nn.Module):
    """ResNet18 with group normalisation, and the places where its last channels look (soft keypoints)."""

    def __init__(self, given: Given, keypoints: int, width: int) -> None:
        super().__init__()
        self.backbone = ResNet("resnet18", norm="group")
        height, across = (-(-side // _SHRUNK) for side in given.size[::-1])
        self.keypoints = SpatialAttention(self.backbone.channels, keypoints, 0, (height, across))
        self.mix = nn.Linear(self.keypoints.width, width)

    def forward(self, image: Tensor) -> Tensor:
        """`(B, 3, h, w)` to `(B, width)`."""
        embedded: Tensor = self.mix(self.keypoints(self.backbone(image))).relu()
        return embedded


class Observer(nn.Module):
    """All observations of a request."""

    def __init__(self, config: NetworkConfig, shape: Shape) -> None:
        super().__init__()
        given, cameras = Given(shape.channels, shape.image_size), len(shape.cameras)
        self.encoders = nn.ModuleList(
            _image_encoder(config, given) for _ in range(1 if config.shared_encoder else cameras)
        )
        self.width = cameras * config.image_width + shape.state

    def forward(self, images: Tensor, state: Tensor) -> Tensor:
        """`(B, T, cameras, C, h, w)` and `(B, T, S)` to `(B, T, width)`; without a history there is no T, and one."""
        if state.ndim == 2:
            images, state = images[:, None], state[:, None]
        seen = images.flatten(0, 1).unbind(1)  # of each camera (B T, C, h, w)
        encoders = list(self.encoders) * (len(seen) if len(self.encoders) == 1 else 1)
        embedded = [encoder(pictures).float() for encoder, pictures in zip(encoders, seen, strict=True)]
        joined: Tensor = torch.cat([*embedded, state.flatten(0, 1)], dim=1).unflatten(0, state.shape[:2])
        return joined


def _image_encoder(config: NetworkConfig, given: Given) -> nn.Module:
    if config.image_encoder == "keypoints":
        return ImageEncoder(given, _CHANNELS, config.keypoints, _VALUES, config.image_width)
    if not given.pixels:
        text = "network.image_encoder behind a frozen encoder.trunk"
        do = "set network.image_encoder=keypoints, or leave encoder.trunk out"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got="resnet18", expected="keypoints", do=do)
    return ResNetEncoder(given, config.keypoints, config.image_width)
