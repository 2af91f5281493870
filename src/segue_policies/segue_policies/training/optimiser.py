"""The parameters that a training changes, in groups, and their optimiser; what is frozen is in no group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from segue_core.errors import ErrorCode, PolicyError
from segue_policies.training.config import TrainingConfig


@dataclass(frozen=True, eq=False)
class ParameterGroup:
    """Parameters that are trained alike.

    Args:
        weight_decay: AdamW's.
        rate_share: their learning rate over that of the schedule.
    """

    parameters: Sequence[nn.Parameter]
    weight_decay: float
    rate_share: float = 1.0


def usual_groups(model: nn.Module, config: TrainingConfig) -> list[ParameterGroup]:
    """Decay on matrices and kernels only; image trunks (`backbone`) have a learning rate of their own."""
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            share = config.backbone_rate if "backbone." in name else 1.0
            groups.setdefault((parameter.dim() <= 1, share), []).append(parameter)
    return [
        ParameterGroup(parameters, 0.0 if still else config.weight_decay, share)
        for (still, share), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def make_optimiser(groups: Sequence[ParameterGroup], config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW.

    Raises:
        PolicyError: TRAINING_FAILED when no parameter is left to train.
    """
    described = [
        {"params": list(group.parameters), "weight_decay": group.weight_decay, "share": group.rate_share}
        for group in groups
        if group.parameters
    ]
    if not described:
        text = "every parameter is frozen: there is nothing to train"
        raise PolicyError(ErrorCode.TRAINING_FAILED, text, do="leave a part of the network free")
    return torch.optim.AdamW(described, lr=config.learning_rate, betas=(0.9, 0.99), fused=True)
