"""One small network per variant, from the same samples, steps and seed."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from segue_core.policy import PolicyInfo
from segue_eval.synthetic.world import PLANE, Samples, demonstrations
from segue_policies.method import find_method
from segue_policies.methods.flow.config import FlowConfig
from segue_policies.methods.flow.loss import flow_loss
from segue_policies.methods.flow.model import ChunkHead, FlowNet
from segue_policies.methods.flow.policy import FlowPolicy
from segue_policies.methods.flow.scene import TrainedNetwork
from segue_policies.methods.flow.variants import VARIANTS
from segue_policies.samples.normaliser import Normaliser, fit_normaliser

FLOW = FlowConfig(horizon=32, num_steps=5, max_delay=10, max_ramp=20, samples=4)
SAMPLES, BATCH, RATE, WIDTH, CONDITION = 8192, 64, 3e-3, 128, 32


class StateEncoder(nn.Module):
    """An observation that is the state alone; there are no cameras in the plane."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, CONDITION))

    def forward(self, images: Tensor, state: Tensor) -> Tensor:
        """Images are ignored; `(B, 2)` to `(B, C)`."""
        encoded: Tensor = self.layers(state)
        return encoded


def train_policy(name: str, steps: int, seed: int = 0) -> FlowPolicy:
    """A policy of variant `name` after `steps` optimiser steps; the same weights for equal arguments."""
    variant = VARIANTS[name]
    data = demonstrations(SAMPLES, FLOW.horizon + variant.lookahead(FLOW), seed)
    normaliser = _normaliser(data)
    torch.manual_seed(seed)
    head = ChunkHead(FLOW.horizon, PLANE.dim, WIDTH, 2, CONDITION)
    net = FlowNet(StateEncoder(), head, FLOW.num_steps, min_noise=0.04)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE)
    generator = torch.Generator().manual_seed(seed)
    state, actions = torch.from_numpy(data.state), torch.from_numpy(data.actions)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
        picked = torch.randint(len(state), (BATCH,), generator=generator)
        shown, chunk = variant.pairs(state[picked], actions[picked], FLOW, generator)
        clean = normaliser.encode_actions(chunk, shown)
        observed = net.observe(torch.empty(0), normaliser.encode_state(shown))
        loss = flow_loss(variant, net, observed, clean, FLOW, torch.ones(PLANE.dim), generator)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    trained = TrainedNetwork(net.requires_grad_(False).eval(), variant, normaliser, PLANE, FLOW.horizon)
    return FlowPolicy(_info(name), trained, PLANE.dim)


def _normaliser(data: Samples) -> Normaliser:
    blank = np.zeros((1, 0, 1, 1, 3), dtype=np.uint8)
    return fit_normaliser(data.actions[:, : FLOW.horizon], data.state, blank, PLANE)


def _info(name: str) -> PolicyInfo:
    max_delay, max_ramp = VARIANTS[name].trained_lengths(FLOW)
    return PolicyInfo(
        name=name,
        action_space=PLANE,
        horizon=FLOW.horizon,
        num_steps=FLOW.num_steps,
        rate_hz=PLANE.rate_hz,
        cameras=(),
        image_size=(1, 1),
        capabilities=find_method(name).capabilities,
        max_delay=max_delay,
        max_ramp=max_ramp,
    )
