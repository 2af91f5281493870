"""What a variant decides; the defaults are those of plain flow matching. Variants keep no state."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from segue_policies.methods.flow.config import FlowConfig, NetworkConfig
from segue_policies.methods.flow.model import FlowNet
from segue_policies.methods.flow.path import VelocityFn, mixture, time_like


class Variant:
    """From samples to a loss, and from a trained network to the velocity that its samplers follow."""

    name: ClassVar[str]

    def check(self, network: NetworkConfig, state_dim: int, action_dim: int) -> None:
        """Refuse what this variant cannot be trained with; raises ConfigError."""

    def lookahead(self, config: FlowConfig) -> int:
        """Rows that a sample needs beyond the horizon."""
        return 0

    def trained_lengths(self, config: FlowConfig) -> tuple[int, int]:
        """Longest prefix d and ramp r that the network is trained to continue [ticks]."""
        return 0, 0

    def pairs(
        self, state: Tensor, actions: Tensor, config: FlowConfig, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """State shown and chunk asked for, `(B, S)` and `(B, H, D)`, from `(B, S)` and `(B, H + lookahead, D)`."""
        return state, actions

    def schedules(self, count: int, config: FlowConfig, generator: torch.Generator) -> Tensor:
        """Share of the clean chunk in the start of each row's path, omega `(count, H)`."""
        return torch.zeros(count, config.horizon)

    def visited(
        self,
        actions: Tensor,
        reference: Tensor,
        noise: Tensor,
        omega: Tensor,
        t: Tensor,
        config: FlowConfig,
    ) -> tuple[Tensor, Tensor]:
        """What the network is shown, `(B, H, D)`, and its time `(B,)`, when `actions` answer another `reference`.

        Chunks and noise `(B, H, D)`, omega `(B, H)`, t `(B,)`.
        """
        time = time_like(t, actions)
        return (1 - time) * mixture(reference, noise, omega) + time * actions, t

    def weight(self, omega: Tensor, t: Tensor, num_steps: int, max_weight: float) -> Tensor:
        """Weight of the squared error of `A_hat`, `(B, H, 1)` or broadcast to it.

        A velocity `(A_hat - X) / (1 - t)` makes it `1 / (1 - t)^2`; capped for the reason that `legato.py` gives.
        """
        like = omega.unsqueeze(-1)
        return (1 - time_like(t, like)).clamp(min=1e-6).square().reciprocal().clamp(max=max_weight)

    def condition(self, omega: Tensor) -> Tensor:
        """What the condition row `(B, H)` says where the path has guidance `omega` `(B, H)`."""
        return omega

    def bind(self, net: FlowNet, observed: Tensor) -> VelocityFn:
        """The learned velocity for embeddings `(B, C)`: `(x, t, omega)`, omega as the sampler has it."""
        velocity = net.bind(observed)
        return lambda noisy, t, omega: velocity(noisy, t, self.condition(omega))

    def bind_guided(self, net: FlowNet, observed: Tensor, noise: Tensor) -> VelocityFn:
        """As `bind`, for a sampler that begins with `noise` `(B, H, D)` and brings in a reference."""
        return self.bind(net, observed)
