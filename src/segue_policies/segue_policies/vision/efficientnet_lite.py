"""EfficientNet-Lite0 (Google, Apache-2.0) up to stride 8, for inference: its batch normalisation is folded away.

    picture (3, h, w) -> conv 3x3 /2 (32) -> 16 -> 24 /2, 24 -> 40 /2, 40 -> map (40, h/8, w/8)

Each arrow after the first is an inverted bottleneck: 1x1 widen by 6 (not the first), depthwise, 1x1 narrow, and the
input added where shapes agree. Padding is TensorFlow's SAME. The map is brought to zero mean and unit deviation by the
statistics that its last two normalisations hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_EPSILON = 1e-3


@dataclass(frozen=True)
class _Block:
    before: int
    after: int
    kernel: int
    stride: int
    widened: int  # channels of the depthwise convolution

    @property
    def adds(self) -> bool:
        return self.stride == 1 and self.before == self.after


BLOCKS = (
    _Block(32, 16, 3, 1, 32),
    _Block(16, 24, 3, 2, 96),
    _Block(24, 24, 3, 1, 144),
    _Block(24, 40, 5, 2, 144),
    _Block(40, 40, 5, 1, 240),
)
_STEM = 32


@dataclass(frozen=True)
class _Folded:
    """A convolution and the batch normalisation after it."""

    name: str
    norm: str
    shape: tuple[int, ...]
    stride: int = 1
    groups: int = 1
    active: bool = True


def _layers() -> Iterator[_Folded]:
    yield _Folded("_conv_stem", "_bn0", (_STEM, 3, 3, 3), stride=2)
    for number, block in enumerate(BLOCKS):
        at = f"_blocks.{number}."
        if block.widened != block.before:
            yield _Folded(f"{at}_expand_conv", f"{at}_bn0", (block.widened, block.before, 1, 1))
        deep = (block.widened, 1, block.kernel, block.kernel)
        yield _Folded(f"{at}_depthwise_conv", f"{at}_bn1", deep, block.stride, groups=block.widened)
        narrow = (block.after, block.widened, 1, 1)
        yield _Folded(f"{at}_project_conv", f"{at}_bn2", narrow, active=False)


def wanted() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published tensors that the blocks up to stride 8 need."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in _layers():
        shapes[f"{layer.name}.weight"] = layer.shape
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{layer.norm}.{part}"] = layer.shape[:1]
    return shapes


class _Convolution(nn.Module):
    weight: Tensor
    bias: Tensor

    def __init__(self, layer: _Folded, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.stride, self.groups, self.active = layer.stride, layer.groups, layer.active
        self.kernel = layer.shape[-1]
        gain, level = _affine(layer.norm, tensors)
        weight = tensors[f"{layer.name}.weight"] * gain.view(-1, 1, 1, 1)
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", level)

    def forward(self, x: Tensor) -> Tensor:
        before = (self.kernel - self.stride) // 2
        after = self.kernel - self.stride - before
        if before != after:
            x, before = functional.pad(x, (before, after, before, after)), 0
        y = functional.conv2d(x, self.weight, self.bias, self.stride, before, 1, self.groups)
        return functional.hardtanh_(y, 0.0, 6.0) if self.active else y


class EfficientNetLite0(nn.Module):
    """`(B, 3, h, w)`, `(pixel - 127) / 128`, to `(B, 40, h/8, w/8)`; nothing in it is trained."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        """`tensors` has those that `wanted` names, float32."""
        super().__init__()
        layers = iter([_Convolution(layer, tensors) for layer in _layers()])
        self.stem = next(layers)
        self.blocks = nn.ModuleList(
            nn.Sequential(*(next(layers) for _ in range(2 + (block.widened != block.before))))
            for block in BLOCKS
        )
        levels, gains = zip(*(_statistics(f"_blocks.{n}._bn2", tensors) for n in (3, 4)), strict=True)
        self.register_buffer("mean", torch.stack(levels).sum(0).view(1, -1, 1, 1))
        deviation = torch.stack(gains).square().sum(0).sqrt().clamp(min=1e-3)
        self.register_buffer("deviation", deviation.view(1, -1, 1, 1))
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        """The map, about zero mean and unit deviation."""
        x: Tensor = self.stem(pictures)
        for layers, block in zip(self.blocks, BLOCKS, strict=True):
            x = x + layers(x) if block.adds else layers(x)
        return (x - self.mean) / self.deviation


def _affine(norm: str, tensors: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    gain = tensors[f"{norm}.weight"] / (tensors[f"{norm}.running_var"] + _EPSILON).sqrt()
    return gain, tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * gain


def _statistics(norm: str, tensors: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and deviation of what a normalisation puts out on the pictures that it was fitted on."""
    return tensors[f"{norm}.bias"], tensors[f"{norm}.weight"]
