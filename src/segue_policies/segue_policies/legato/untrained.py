"""A policy with random weights: as fast as a trained one, for benchmarks."""

from __future__ import annotations

import numpy as np
import torch

from segue_core.action_space import ActionSpace
from segue_core.policy import PolicyInfo
from segue_policies.common.normalise import Normaliser
from segue_policies.common.serving import CAPABILITIES
from segue_policies.legato.build import build_network
from segue_policies.legato.config import FlowConfig, NetworkConfig
from segue_policies.legato.objectives import OBJECTIVES
from segue_policies.legato.policy import FlowPolicy
from segue_policies.legato.scene import Trained


def untrained_policy(
    method: str,
    space: ActionSpace,
    network: NetworkConfig,
    flow: FlowConfig,
    image_size: tuple[int, int] = (96, 72),
    seed: int = 0,
) -> FlowPolicy:
    """A policy of objective `method` that looks through the cameras of `network` and measures actions absolutely."""
    cameras, objective = tuple(network.encoder_of), OBJECTIVES[method]
    max_delay, max_ramp = objective.trained_lengths(flow)
    info = PolicyInfo(
        name=method,
        action_space=space,
        horizon=flow.horizon,
        num_steps=flow.num_steps,
        rate_hz=space.rate_hz,
        cameras=cameras,
        image_size=image_size,
        capabilities=CAPABILITIES[method],
        max_delay=max_delay,
        max_ramp=max_ramp,
    )
    torch.manual_seed(seed)
    shape = (flow.horizon, space.dim)
    net = build_network(network, cameras, image_size, space.dim, shape, flow.num_steps)
    trained = Trained(
        net.requires_grad_(False).eval(), objective, _units(shape, len(cameras)), space, flow.horizon
    )
    return FlowPolicy(info, trained, space.dim)


def _units(shape: tuple[int, int], cameras: int) -> Normaliser:
    """Every number is its own unit."""
    zero, one = np.zeros(shape, dtype=np.float32), np.ones(shape, dtype=np.float32)
    blank = np.zeros((cameras, 3), dtype=np.float32)
    return Normaliser(zero[0], zero, one, zero[0], one[0], blank)
