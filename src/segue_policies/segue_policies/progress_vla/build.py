"""Build the network from its settings."""

from __future__ import annotations

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.networks.pretrained import VisionTrunk
from segue_policies.progress_vla.config import NetworkConfig
from segue_policies.progress_vla.model import FrozenVision, PixelStage, ProgressNet, Stage
from segue_policies.vision.config import Given


def build_network(
    config: NetworkConfig, given: Given, cameras: int, trunk: VisionTrunk | None = None
) -> ProgressNet:
    """A fresh network, around `trunk` or a vision model with random weights where the settings name one.

    Raises:
        ConfigError: a width that the heads do not divide, or a vision model whose library is not there.
    """
    if config.width % config.heads:
        allowed = f"a multiple of heads ({config.heads})"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "network.width", got=config.width, expected=allowed)
    return ProgressNet(config, given, cameras, _stage(config, given, trunk))


def _stage(config: NetworkConfig, given: Given, trunk: VisionTrunk | None) -> Stage:
    if config.backbone_config is not None:
        return FrozenVision(trunk or VisionTrunk(config.backbone_config))
    return PixelStage() if given.pixels else None
