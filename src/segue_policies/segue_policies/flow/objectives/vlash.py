"""VLASH (arXiv 2512.01031): the state is shown as it will be when the chunk begins, delta ticks after the pictures.

    tick       n              n+delta-1     n+delta ... n+delta+H-1      delta ~ U{0..max_delay}
    pictures   o_n
    state      s_n (delta = 0), else a_(n+delta-1): where the last action of the executing chunk leads
    chunk                                   a_(n+delta) ...

Flow and loss are plain. Actions and states must be the same numbers, as they are where poses are commanded.
"""

from __future__ import annotations

import torch
from torch import Tensor

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.flow.config import FlowConfig, NetworkConfig
from segue_policies.flow.objectives.base import Objective


class Vlash(Objective):
    """Plain flow matching on shifted samples."""

    name = "vlash"

    def check(self, network: NetworkConfig, state_dim: int, action_dim: int) -> None:
        """An action takes the place of a state."""
        if state_dim != action_dim:
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE,
                "vlash: width of the state",
                got=state_dim,
                expected=f"that of the actions, {action_dim}",
            )

    def lookahead(self, config: FlowConfig) -> int:
        """The longest shift."""
        return config.max_delay

    def trained_lengths(self, config: FlowConfig) -> tuple[int, int]:
        """The longest shift; there is no ramp."""
        return config.max_delay, 0

    def pairs(
        self, state: Tensor, actions: Tensor, config: FlowConfig, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """One shift per sample."""
        delta = torch.randint(config.max_delay + 1, (len(state),), generator=generator)
        samples = torch.arange(len(state))
        rows = delta[:, None] + torch.arange(config.horizon)
        reached = actions[samples, (delta - 1).clamp(min=0)]
        return torch.where(delta[:, None] > 0, reached, state), actions[samples[:, None], rows]
