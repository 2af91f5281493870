"""The network: an observation's tokens, and a decoder that continues a chain of action tokens.

    images, state -> tokens -> encoder -> context (B, M, W)
    begin, x_1 .. x_(t-1) + places -> decoder, context -> x_t,  a_t = f_dec(x_t);  f_enc(a) is the token of an action

A chain is continued by the predicted tokens themselves (Alg. 2); the consistency loss makes them the tokens of actions.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from segue_policies.methods.chain_of_action.config import ChainConfig
from segue_policies.methods.chain_of_action.layers import DecoderLayer, Head, Kept
from segue_policies.networks.encoders import ImageEncoder
from segue_policies.networks.map_stage import MapStage
from segue_policies.networks.positions import sine_grid, sine_table
from segue_policies.networks.resnet import ResNet
from segue_policies.samples.normaliser import IMAGE_GAIN, IMAGENET_DEVIATION
from segue_policies.supervised.config import Shape
from segue_policies.vision.config import PIXELS, Given

_CHANNELS = (32, 64, 64)
_KEYPOINTS, _VALUES = 32, 8  # of a camera, and features pooled under each


class Grid(nn.Module):
    """A token for each place of a camera's feature map."""

    pixel_gain: Tensor

    def __init__(self, config: ChainConfig, shape: Shape) -> None:
        super().__init__()
        pixels = shape.channels == PIXELS
        self.backbone = (
            ResNet(config.backbone, config.backbone_width, config.backbone_norm)
            if pixels
            else MapStage(shape.channels)
        )
        self.pixels = nn.Conv2d(self.backbone.channels, config.width, 1)
        gain = 1.0 / (IMAGE_GAIN * torch.tensor(IMAGENET_DEVIATION)).view(3, 1, 1)
        self.register_buffer("pixel_gain", gain if pixels else torch.ones(1, 1, 1), persistent=False)

    def forward(self, views: Tensor) -> Tensor:
        """`(B, views, C, h, w)` to `(B, views, n, W)`."""
        maps = self.pixels(self.backbone(views.flatten(0, 1) * self.pixel_gain))
        channels, height, width = maps.shape[1:]
        place = sine_grid(height, width, channels).to(maps)
        seen: Tensor = (maps.flatten(2).transpose(1, 2) + place).unflatten(0, views.shape[:2])
        return seen


class Keypoints(nn.Module):
    """A token for each camera."""

    def __init__(self, config: ChainConfig, shape: Shape) -> None:
        super().__init__()
        given = Given(shape.channels, shape.image_size)
        self.encoders = nn.ModuleList(
            ImageEncoder(given, _CHANNELS, _KEYPOINTS, _VALUES, config.width) for _ in shape.cameras
        )

    def forward(self, views: Tensor) -> Tensor:
        """`(B, views, C, h, w)` to `(B, views, 1, W)`; views are those of all cameras, observation by observation."""
        cameras = len(self.encoders)
        seen = [self.encoders[index % cameras](view) for index, view in enumerate(views.unbind(1))]
        return torch.stack(seen, dim=1)[:, :, None]


class Look(nn.Module):
    """Tokens of an observation: one of the states, and those of each camera."""

    def __init__(self, config: ChainConfig, shape: Shape) -> None:
        super().__init__()
        self.views = Grid(config, shape) if config.look == "grid" else Keypoints(config, shape)
        self.state = nn.Linear(shape.observations * shape.state, config.width)
        self.camera = nn.Parameter(
            0.1 * torch.randn(shape.observations * len(shape.cameras), 1, config.width)
        )
        layer = nn.TransformerEncoderLayer(
            config.width, config.heads, config.feedforward, config.dropout, batch_first=True, norm_first=True
        )
        norm = nn.LayerNorm(config.width)
        self.encoder = nn.TransformerEncoder(layer, config.encoder_layers, norm, enable_nested_tensor=False)

    def forward(self, images: Tensor, state: Tensor) -> Tensor:
        """Context `(B, M, W)` of images `(B, cameras, C, h, w)` and states `(B, S)`, normalised.

        With a history `(B, T, cameras, C, h, w)` and `(B, T, S)`.
        """
        seen = self.views(images.flatten(1, -4)) + self.camera  # (B, views, n, W)
        tokens = torch.cat([self.state(state.flatten(1))[:, None], seen.flatten(1, 2)], dim=1)
        context: Tensor = self.encoder(tokens)
        return context


class ChainNet(nn.Module):
    """What a policy needs."""

    places: Tensor

    def __init__(self, config: ChainConfig, shape: Shape) -> None:
        super().__init__()
        self.most = config.places
        self.look = Look(config, shape)
        self.begin = nn.Parameter(torch.randn(config.width))
        self.enter = nn.Linear(shape.dim, config.width)  # f_enc
        self.leave = nn.Linear(config.width, shape.dim)  # f_dec
        self.shared = nn.ModuleList(decoder_layer(config) for _ in range(config.decoder_layers - 1))
        self.head = Head(decoder_layer(config), config.width)
        self.register_buffer("places", sine_table(config.places, config.width), persistent=False)

    def hidden(self, before: Tensor, context: Tensor) -> Tensor:
        """Decoder up to its last layer, `(B, n, W)`, of the tokens `(B, n - 1, W)` before each place."""
        begin = self.begin.expand(len(before), 1, -1)
        x = torch.cat([begin, before], dim=1)
        x = x + self.places[: x.shape[1]].to(x)
        for layer in self.shared:
            x = layer(x, context)
        return x

    def forward(self, before: Tensor, context: Tensor) -> Tensor:
        """Predicted tokens `(B, n, W)`, each of those before it: `before` is `(B, n - 1, W)`."""
        predicted: Tensor = self.head(self.hidden(before, context), context)
        return predicted

    def keep(self, context: Tensor) -> list[Kept]:
        """Room for chains of any length after a context `(B, M, W)`."""
        layers = [cast(DecoderLayer, layer) for layer in (*self.shared, self.head.layer)]
        return [layer.keep(context, self.most) for layer in layers]

    def step(self, token: Tensor | None, kept: list[Kept]) -> Tensor:
        """The token `(B, 1, W)` that follows `token`, None at the beginning."""
        count, batch = kept[-1].count, len(kept[-1].keys)
        x = self.begin.expand(batch, 1, -1) if token is None else token
        x = x + self.places[count].to(x)
        for layer, own in zip(self.shared, kept[:-1], strict=True):
            x = cast(DecoderLayer, layer).step(x, own)
        predicted: Tensor = self.head.step(x, kept[-1])
        return predicted


class ChainTraining(nn.Module):
    """The policy's network, and the heads that predict further ahead, which only training uses."""

    def __init__(self, net: ChainNet, config: ChainConfig) -> None:
        super().__init__()
        self.net = net
        self.ahead = nn.ModuleList(Head(decoder_layer(config), config.width) for _ in range(config.ahead - 1))

    def forward(self, tokens: Tensor, context: Tensor) -> list[Tensor]:
        """Of the true tokens `(B, n, W)`: entry k has `(B, n, W)`, in place t the prediction of token t + k."""
        hidden = self.net.hidden(tokens[:, :-1], context)
        return [head(hidden, context) for head in (self.net.head, *self.ahead)]


def build_network(config: ChainConfig, shape: Shape) -> ChainNet:
    """A fresh network for what `shape` says."""
    return ChainNet(config, shape)


def decoder_layer(config: ChainConfig) -> DecoderLayer:
    """One of the settings' size."""
    return DecoderLayer(config.width, config.heads, config.feedforward, config.dropout)
