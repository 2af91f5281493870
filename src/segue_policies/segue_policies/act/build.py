"""Build the network from its settings."""

from __future__ import annotations

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.act.config import NetworkConfig
from segue_policies.act.model import ActNet


def build_network(config: NetworkConfig, state_dim: int, chunk_shape: tuple[int, int]) -> ActNet:
    """Fresh network for states of width S and chunks (H, D).

    Raises:
        ConfigError: the width cannot be divided among the heads, or between sines and cosines of two axes.
    """
    if config.width % config.heads or config.width % 4:
        allowed = f"a multiple of 4 and of heads ({config.heads})"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "network.width", got=config.width, expected=allowed)
    return ActNet(config, state_dim, chunk_shape)
