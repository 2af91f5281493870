"""Build the network from its settings."""

from __future__ import annotations

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.methods.act.config import NetworkConfig
from segue_policies.methods.act.model import ActNet, Trunk
from segue_policies.networks.map_stage import MapStage
from segue_policies.networks.pretrained import VisionTrunk
from segue_policies.networks.resnet import ResNet
from segue_policies.vision.config import Given


def build_network(
    config: NetworkConfig, state_dim: int, chunk_shape: tuple[int, int], trunk: Trunk | None = None
) -> ActNet:
    """Fresh network for states of width S and chunks (H, D), around `trunk` or one with random weights.

    Its chunks have a row more with the setting `keyframe`.

    Raises:
        ConfigError: a vision model without its settings or without the library that it is from.
    """
    rows, dim = chunk_shape
    return ActNet(config, state_dim, (rows + config.keyframe, dim), trunk or _trunk(config))


def map_stage(given: Given) -> MapStage | None:
    """What stands before the tokens of a frozen trunk's map; None for pixels."""
    return None if given.pixels else MapStage(given.channels)


def _trunk(config: NetworkConfig) -> Trunk:
    if config.backbone != "transformers":
        return ResNet(config.backbone, config.backbone_width, config.backbone_norm)
    if config.backbone_config is None:
        text = "network.backbone transformers: give backbone_weights, the folder of a vision model"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text)
    return VisionTrunk(config.backbone_config)
