"""The regression of every objective, written for a network that predicts the clean chunk, and the encoder's teacher."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from segue_policies.flow.config import FlowConfig
from segue_policies.flow.model import LegatoNet
from segue_policies.flow.objectives.base import Objective
from segue_policies.flow.path import interpolant


def flow_times(observations: int, samples: int, generator: torch.Generator) -> Tensor:
    """Times `t ~ U(0, 1)`, (observations * samples,); each observation's draws cover (0, 1) evenly."""
    within = torch.rand(observations, samples, generator=generator)
    return ((torch.arange(samples) + within) / samples).flatten()


def flow_loss(
    objective: Objective,
    net: LegatoNet,
    observed: Tensor,
    actions: Tensor,
    config: FlowConfig,
    dim_weights: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Mean loss of `objective` over `config.samples` draws of (t, eps, omega) per observation.

    Args:
        observed: (B, C) embeddings; each is used for all of its draws.
        actions: (B, H, D) normalised clean chunks; they are also the guidance (Legato's Alg. 1, line 5).
        dim_weights: (D,) weight per action dimension.
    """
    draws = _draw(objective, actions, config, generator)
    noisy = interpolant(draws.clean, draws.noise, draws.omega, draws.t)
    return _error(objective, net, observed, draws, noisy, draws.t, config, dim_weights)


def correction_loss(
    objective: Objective,
    net: LegatoNet,
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
    draws = _draw(objective, actions, config, generator)
    guided_by = reference.repeat_interleave(config.samples, dim=0)
    noisy, t = objective.visited(draws.clean, guided_by, draws.noise, draws.omega, draws.t, config)
    return _error(objective, net, observed, draws, noisy, t, config, dim_weights)


@dataclass(frozen=True, eq=False)
class _Draws:
    """Clean chunks and noise (B', H, D), omega (B', H) and t (B',), `samples` per observation."""

    clean: Tensor
    noise: Tensor
    omega: Tensor
    t: Tensor


def _draw(objective: Objective, actions: Tensor, config: FlowConfig, generator: torch.Generator) -> _Draws:
    count = len(actions) * config.samples
    clean = actions.repeat_interleave(config.samples, dim=0)
    omega = objective.schedules(count, config, generator).to(clean.device)
    t = flow_times(len(actions), config.samples, generator).to(clean.device)
    return _Draws(clean, torch.randn(clean.shape, generator=generator).to(clean.device), omega, t)


def _error(
    objective: Objective,
    net: LegatoNet,
    observed: Tensor,
    draws: _Draws,
    noisy: Tensor,
    t: Tensor,
    config: FlowConfig,
    dim_weights: Tensor,
) -> Tensor:
    told = objective.told(draws.omega)
    predicted = net.clean(noisy, observed.repeat_interleave(config.samples, dim=0), t, told)
    weight = objective.weight(draws.omega, t, net.num_steps, config.max_weight)
    weight = weight * dim_weights.to(weight.device)
    return (weight * (predicted - draws.clean).square()).mean()


def regression_loss(expected: Tensor, actions: Tensor, dim_weights: Tensor) -> Tensor:
    """Plain squared error of `E[A | o]`, (B, H, D): a noiseless gradient that teaches the encoder where things are.

    Not part of the policy: what it trains beyond the encoder is thrown away.
    """
    return (dim_weights.to(actions.device) * (expected - actions).square()).mean()
