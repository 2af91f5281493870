"""Build the network from its settings."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.methods.flow.config import NetworkConfig
from segue_policies.methods.flow.model import ChunkHead, FlowNet
from segue_policies.methods.flow.transformer import TransformerHead
from segue_policies.networks.encoders import ImageEncoder, ObservationEncoder
from segue_policies.vision.config import PIXELS, Given


def build_network(
    config: NetworkConfig,
    cameras: Sequence[str],
    image_size: tuple[int, int],
    state_dim: int,
    chunk_shape: tuple[int, int],
    num_steps: int,
    channels: int = PIXELS,
) -> FlowNet:
    """Fresh network for `cameras` (in order), images of (width, height) and chunks (H, D).

    With other `channels` than three the images are feature maps.

    Raises:
        ConfigError: a camera has no encoder, or the images are not multiples of 8 pixels (of feature maps: any).
    """
    missing = [camera for camera in cameras if camera not in config.encoder_of]
    if missing:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, "encoder_of names no encoder", got=missing, expected=list(cameras)
        )
    given = Given(channels, image_size)
    divisor = 8 if given.pixels else 1
    if any(size % divisor or not 0 < size <= 1024 for size in given.size):
        expected = f"multiples of {divisor} up to 1024"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "image size", got=given.size, expected=expected)
    used = [config.encoder_of[camera] for camera in cameras]
    encoders = {name: _image_encoder(config, given) for name in dict.fromkeys(used)}
    encoder = ObservationEncoder(encoders, used, config.image_width, state_dim, config.condition_width)
    head = _head(config, chunk_shape)
    return FlowNet(encoder, head, num_steps, config.min_noise, config.condition_row)


def _head(config: NetworkConfig, chunk_shape: tuple[int, int]) -> nn.Module:
    sizes = (*chunk_shape, config.head_width, config.head_blocks, config.condition_width)
    if config.head == "mlp":
        return ChunkHead(*sizes)
    for name, divisor, whole in (
        ("token_rows", config.token_rows, chunk_shape[0]),
        ("attention_heads", config.attention_heads, config.head_width),
    ):
        if whole % divisor:
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE,
                f"network.{name}",
                got=divisor,
                expected=f"a divisor of {whole}",
            )
    return TransformerHead(*sizes, config.token_rows, config.attention_heads)


def _image_encoder(config: NetworkConfig, given: Given) -> ImageEncoder:
    return ImageEncoder(given, config.channels, config.keypoints, config.values, config.image_width)
