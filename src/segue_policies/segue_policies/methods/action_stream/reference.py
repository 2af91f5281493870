"""The frozen reference of S-AA: what is trained, as it was, in the place of what it is now.

A base is there once, for policy and reference: beside it only the tensors that are trained are kept twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import nn
from torch.func import functional_call

AnswerT = TypeVar("AnswerT")
NetT = TypeVar("NetT", bound=nn.Module)


class Reference:
    """Of a network as it is now."""

    def __init__(self, net: nn.Module) -> None:
        self.tensors = {
            name: each.detach().clone() for name, each in net.named_parameters() if each.requires_grad
        }

    @torch.no_grad()
    def asked(self, net: NetT, ask: Callable[[NetT], AnswerT]) -> AnswerT:
        """What `ask` gets of `net` with the tensors of the reference, at rest; `net` stays as it is."""
        modes = [(each, each.training) for each in net.modules()]
        there = {name: tensor.device for name, tensor in net.named_parameters()}
        moved = {f"net.{name}": tensor.to(there[name]) for name, tensor in self.tensors.items()}
        try:
            answer: AnswerT = functional_call(_Asked(net.eval()), moved, (ask,))
        finally:
            for module, training in modes:
                module.training = training
        return answer


class _Asked(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, ask: Callable[[nn.Module], Any]) -> Any:
        return ask(self.net)
