"""Build the network from its settings."""

from __future__ import annotations

from segue_policies.methods.progress_vla.config import NetworkConfig
from segue_policies.methods.progress_vla.model import FrozenVision, PixelStage, ProgressNet, Stage
from segue_policies.networks.pretrained import VisionTrunk
from segue_policies.vision.config import Given


def build_network(
    config: NetworkConfig, given: Given, cameras: int, trunk: VisionTrunk | None = None
) -> ProgressNet:
    """A fresh network, around `trunk` or a vision model with random weights where the settings name one.

    Raises:
        ConfigError: a vision model whose library is not there.
    """
    return ProgressNet(config, given, cameras, _stage(config, given, trunk))


def _stage(config: NetworkConfig, given: Given, trunk: VisionTrunk | None) -> Stage:
    if config.backbone_config is not None:
        return FrozenVision(trunk or VisionTrunk(config.backbone_config))
    return PixelStage() if given.pixels else None
