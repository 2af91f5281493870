"""A policy with random weights: as fast as a trained one, for benchmarks."""

from __future__ import annotations

import numpy as np
import torch

from segue_core.action_space import ActionSpace
from segue_core.policy import PolicyInfo
from segue_policies.method import find_method
from segue_policies.methods.flow.build import build_network
from segue_policies.methods.flow.config import FlowConfig, NetworkConfig
from segue_policies.methods.flow.model import FlowNet
from segue_policies.methods.flow.policy import FlowPolicy
from segue_policies.methods.flow.scene import TrainedNetwork
from segue_policies.methods.flow.variants import VARIANTS
from segue_policies.samples.normaliser import Normaliser

IMAGE_SIZE = (96, 72)
"""Width and height of a picture [px]."""


def fresh_network(network: NetworkConfig, space: ActionSpace, flow: FlowConfig, seed: int = 0) -> FlowNet:
    """A network with random weights, ready to sample."""
    torch.manual_seed(seed)
    cameras, shape = tuple(network.encoder_of), (flow.horizon, space.dim)
    net = build_network(network, cameras, IMAGE_SIZE, space.dim, shape, flow.num_steps)
    return net.requires_grad_(False).eval()


def untrained_policy(method: str, space: ActionSpace, net: FlowNet, flow: FlowConfig) -> FlowPolicy:
    """A policy of variant `method` around `net`, which several may share; actions are measured absolutely."""
    cameras, variant = tuple(NetworkConfig().encoder_of), VARIANTS[method]
    max_delay, max_ramp = variant.trained_lengths(flow)
    info = PolicyInfo(
        name=method,
        action_space=space,
        horizon=flow.horizon,
        num_steps=flow.num_steps,
        rate_hz=space.rate_hz,
        cameras=cameras,
        image_size=IMAGE_SIZE,
        capabilities=find_method(method).capabilities,
        max_delay=max_delay,
        max_ramp=max_ramp,
    )
    units = _units((flow.horizon, space.dim), len(cameras))
    return FlowPolicy(info, TrainedNetwork(net, variant, units, space, flow.horizon), space.dim)


def _units(shape: tuple[int, int], cameras: int) -> Normaliser:
    """Every number is its own unit."""
    zero, one = np.zeros(shape, dtype=np.float32), np.ones(shape, dtype=np.float32)
    blank = np.zeros((cameras, 3), dtype=np.float32)
    return Normaliser(zero[0], zero, one, zero[0], one[0], blank)
