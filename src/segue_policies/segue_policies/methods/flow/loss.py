"""The regression of every variant, written for a network that predicts the clean chunk, and the encoder's teacher."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from segue_policies.methods.flow.config import FlowConfig
from segue_policies.methods.flow.model import FlowNet
from segue_policies.methods.flow.path import interpolant
from segue_policies.methods.flow.variant import Variant


def flow_times(observations: int, samples: int, generator: torch.Generator) -> Tensor:
    """Times `t ~ U(0, 1)`, (observations * samples,); each observation's draws cover (0, 1) evenly."""
    within = torch.rand(observations, samples, generator=generator)
    return ((torch.arange(samples) + within) / samples).flatten()


def flow_loss(
    variant: Variant,
    net: FlowNet,
    observed: Tensor,
    actions: Tensor,
    config: FlowConfig,
    dim_weights: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Mean loss of `variant` over `config.samples` draws of (t, eps, omega) per observation.

    Args:
        observed: (B, C) embeddings; each is used for all of its draws.
        actions: (B, H, D) normalised clean chunks; they are also the guidance (Legato's Alg. 1, line 5).
        dim_weights: (D,) weight per action dimension.
    """
    draws = _draw(variant, actions, config, generator)
    noisy = interpolant(draws.clean, draws.noise, draws.omega, draws.t)
    return _error(variant, net, observed, draws, noisy, draws.t, config, dim_weights)


def correction_loss(
    variant: Variant,
    net: FlowNet,
    observed: Tensor,
    actions: Tensor,
    reference: Tensor,
    config: FlowConfig,
    dim_weights: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """As `flow_loss`, where the guidance is not the answer: `reference` (B, H, D), normalised.

    `config` bounds the schedules to the rows that the reference really plans.
    """
    draws = _draw(variant, actions, config, generator)
    guided_by = reference.repeat_interleave(config.samples, dim=0)
    noisy, t = variant.visited(draws.clean, guided_by, draws.noise, draws.omega, draws.t, config)
    return _error(variant, net, observed, draws, noisy, t, config, dim_weights)


@dataclass(frozen=True, eq=False)
class _Draws:
    """Clean chunks and noise (B', H, D), omega (B', H) and t (B',), `samples` per observation."""

    clean: Tensor
    noise: Tensor
    omega: Tensor
    t: Tensor


def _draw(variant: Variant, actions: Tensor, config: FlowConfig, generator: torch.Generator) -> _Draws:
    count = len(actions) * config.samples
    clean = actions.repeat_interleave(config.samples, dim=0)
    omega = variant.schedules(count, config, generator).to(clean.device)
    t = flow_times(len(actions), config.samples, generator).to(clean.device)
    return _Draws(clean, torch.randn(clean.shape, generator=generator).to(clean.device), omega, t)


def _error(
    variant: Variant,
    net: FlowNet,
    observed: Tensor,
    draws: _Draws,
    noisy: Tensor,
    t: Tensor,
    config: FlowConfig,
    dim_weights: Tensor,
) -> Tensor:
    row = variant.condition(draws.omega)
    predicted = net.clean(noisy, observed.repeat_interleave(config.samples, dim=0), t, row)
    weight = variant.weight(draws.omega, t, net.num_steps, config.max_weight)
    weight = weight * dim_weights.to(weight.device)
    return (weight * (predicted - draws.clean).square()).mean()


def regression_loss(expected: Tensor, actions: Tensor, dim_weights: Tensor) -> Tensor:
    """Plain squared error of `E[A | o]`, (B, H, D): a noiseless gradient that teaches the encoder where things are.

    Not part of the policy: what it trains beyond the encoder is thrown away.
    """
    return (dim_weights.to(actions.device) * (expected - actions).square()).mean()
