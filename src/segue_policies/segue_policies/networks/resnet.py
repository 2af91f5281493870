"""ResNet (arXiv 1512.03385) feature maps, with the tensor names of torchvision, so that its weights load.

    image (3, h, w) -> conv 7x7 /2 -> pool /2 -> stages of w, 2w /2, 4w /2, 8w /2 channels -> (8w, h/32, w/32)

Two normalisations: `frozen_batch` for weights that were trained elsewhere (their statistics and gains never change, as
in DETR and ACT), `group` for training from scratch, where statistics that nobody fitted would normalise nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from segue_core.errors import ErrorCode, PolicyError
from segue_core.files import regular

Norm = Literal["frozen_batch", "group"]
BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}
"""Basic blocks per stage."""


class FrozenBatchNorm(nn.Module):
    """Batch normalisation whose four vectors are constants."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.full((channels,), value))

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, h, w)` to the same."""
        scale = self.weight * (self.running_var + 1e-5).rsqrt()
        level = self.bias - self.running_mean * scale
        return x * scale.view(1, -1, 1, 1) + level.view(1, -1, 1, 1)


def _group(channels: int) -> nn.Module:
    return nn.GroupNorm(max(1, channels // 16), channels)


_NORMS: dict[Norm, Callable[[int], nn.Module]] = {"frozen_batch": FrozenBatchNorm, "group": _group}


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, before: int, channels: int, stride: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
        self.bn1 = norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = norm(channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or before != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, channels, 1, stride, bias=False), norm(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """`(B, before, h, w)` to `(B, channels, h / stride, w / stride)`."""
        hidden = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        shortcut = x if self.downsample is None else self.downsample(x)
        return functional.relu(hidden + shortcut)


class ResNet(nn.Module):
    """Trunk of a ResNet; its output is the feature map of the last stage."""

    def __init__(self, name: str, width: int = 64, norm: Norm = "frozen_batch") -> None:
        """`name` in `BLOCKS`; `width` channels of the first stage, 64 in every published network."""
        super().__init__()
        make = _NORMS[norm]
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = make(width)
        before = width
        for stage, count in enumerate(BLOCKS[name]):
            channels = width * 2**stage
            blocks = []
            for index in range(count):
                stride = 2 if index == 0 and stage > 0 else 1
                blocks.append(BasicBlock(before, channels, stride, make))
                before = channels
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.channels = before
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """`(B, 3, h, w)` to `(B, channels, ceil(h / 32), ceil(w / 32))`."""
        x = functional.relu(self.bn1(self.conv1(images)))
        x = functional.max_pool2d(x, 3, 2, 1)
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
        return x


def load_weights(net: ResNet, path: Path) -> None:
    """Weights of torchvision's network of the same size, `.safetensors` or `.pth` (read without unpickling objects).

    The classifier `fc` and the counters of batch normalisation are not used.

    Raises:
        PolicyError: CHECKPOINT_MISSING, CHECKPOINT_CORRUPT, or CHECKPOINT_MISMATCH naming the tensors that differ.
    """
    wanted, found = net.state_dict(), read_tensors(path)
    used = {k: v for k, v in found.items() if not (k.startswith("fc.") or k.endswith("num_batches_tracked"))}
    differs = sorted(
        name
        for name in wanted.keys() | used.keys()
        if name not in used or name not in wanted or wanted[name].shape != used[name].shape
    )
    if differs:
        text = f"{path} is of another network or normalisation; missing, unknown or of another shape: "
        more = f" and {len(differs) - 5} more" if len(differs) > 5 else ""
        raise PolicyError(ErrorCode.CHECKPOINT_MISMATCH, text + ", ".join(differs[:5]) + more)
    net.load_state_dict(used)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors by name, of `.safetensors` or `.pth` (read without unpickling objects).

    Raises:
        PolicyError: CHECKPOINT_MISSING, or CHECKPOINT_CORRUPT with what is wrong.
    """
    if not path.exists():
        raise PolicyError(ErrorCode.CHECKPOINT_MISSING, "no such file of weights", got=path)
    try:
        regular(path)
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except (SafetensorError, OSError, RuntimeError, ValueError, TypeError, EOFError) as error:
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{path}: {error}") from error
    except Exception as error:  # pickle raises its own family, and anything that a broken file leads to
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{path}: {type(error).__name__}: {error}") from error


def _initialise(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
