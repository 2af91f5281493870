"""A pretrained module that a network looks through and does not own: neither trained nor averaged nor saved with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class Outside:
    """Read when it is first asked for; copies of a network share it."""

    def __init__(self, read: Callable[[], nn.Module]) -> None:
        self._read = read
        self._net: nn.Module | None = None

    def on(self, device: torch.device) -> Any:
        """The module there; raises what reading raises."""
        if self._net is None:
            self._net = self._read().requires_grad_(False).eval()
        return self._net.to(device)

    def __deepcopy__(self, _: dict[int, Any]) -> Outside:
        return self
