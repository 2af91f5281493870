"""VLASH (arXiv 2512.01031): the state is shown as it will be when the chunk begins, delta ticks after the pictures.

    tick       n              n+delta-1     n+delta ... n+delta+H-1      delta ~ U{0..max_delay}
    pictures   o_n
    state      s_n (delta = 0), else a_(n+delta-1): where the last action of the executing chunk leads
    chunk                                   a_(n+delta) ...

Flow and loss are plain. Actions and states must be the same numbers, as they are where poses are commanded. A request
is answered alike:

    tick         o ... o+d-1                     o+d ... o+H-1
    state shown  -                               the executing action of tick o+d-1
    answer       what is executing (reference)   rows 0 ... H-d-1 of the sampled chunk

The answer is dated from the observation like any other, so that a scheduler which splices by ticks needs to know
nothing of this: were it late, rows are dropped by their tick. d is the number of rows where omega is 1. Without a
prefix the robot stands, d is 0 and the measured state is shown.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue_core.errors import ConfigError, ErrorCode
from segue_core.policy import PredictRequest
from segue_core.sampling import NoOptions
from segue_policies.methods.flow.config import FlowConfig, NetworkConfig
from segue_policies.methods.flow.path import sample_plain
from segue_policies.methods.flow.scene import Scene
from segue_policies.methods.flow.variant import Variant
from segue_policies.request_checks import read_options


class Vlash(Variant):
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
        """One shift per sample: omega `(B, H)`."""
        delta = torch.randint(config.max_delay + 1, (len(state),), generator=generator)
        samples = torch.arange(len(state))
        rows = delta[:, None] + torch.arange(config.horizon)
        reached = actions[samples, (delta - 1).clamp(min=0)]
        return torch.where(delta[:, None] > 0, reached, state), actions[samples[:, None], rows]


def answer(scene: Scene, request: PredictRequest) -> NDArray[np.float32]:
    """A chunk (H, D): the reference over the prefix, then the sampled rows."""
    read_options(request, NoOptions)
    ahead = int(np.count_nonzero(np.asarray(request.omega) >= 1))
    executing = scene.continued(np.asarray(request.reference, dtype=np.float32))[:ahead]
    reached = replace(scene, state=executing[-1].copy()) if ahead else scene
    chunk = reached.first(sample_plain(reached.velocity(), reached.noise(), reached.num_steps))
    return np.concatenate([executing, chunk[: len(chunk) - ahead]])
