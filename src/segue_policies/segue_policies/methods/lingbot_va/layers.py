"""Blocks of two streams that keep their own weights and look at each other.

    video  (B, n, W)   --norm, q k v-->   (B, n, W) -.                      .-> out --> video
                                                      joint attention (B, n + m, W)
    action (B, m, A)   --norm, q k v-->   (B, m, W) -'                      '-> out --> action

The action stream is narrower; its q, k and v are projections to the video's width, and `out` leads back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANGES = 6
"""Shift, scale and gate of the attention and of the MLP."""


@dataclass(frozen=True, eq=False)
class Given:
    """What all blocks of a pass share.

    Args:
        angles: (B, n + m, 1, pairs), how far each token's pairs of numbers are turned.
        text: (B, words, W), and `spoken` (B, words) true where there is a word.
        mask: (B, 1, n + m, kept + n + m), true where a token may look; None: everywhere.
    """

    angles: Tensor
    text: Tensor
    spoken: Tensor
    mask: Tensor | None


class TextAttention(nn.Module):
    """Tokens look at the words of the instruction."""

    def __init__(self, width: int, text: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.asks, self.said = nn.Linear(width, text), nn.Linear(text, 2 * text)
        self.out = nn.Linear(text, width)

    def forward(self, tokens: Tensor, given: Given) -> Tensor:
        """(B, n, own width) to (B, n, own width)."""
        parts = (self.asks(self.norm(tokens)), *self.said(given.text).chunk(2, dim=-1))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        spoken = given.spoken[:, None, None]
        found = functional.scaled_dot_product_attention(q, k, v, attn_mask=spoken)
        out: Tensor = self.out(found.transpose(1, 2).flatten(2))
        return out


class Stream(nn.Module):
    """One stream's weights in a block."""

    changes: nn.Parameter

    def __init__(self, width: int, joint: int, text: int, heads: int, feedforward: int) -> None:
        super().__init__()
        self.heads = heads
        self.changes = nn.Parameter(torch.randn(CHANGES, width) / width**0.5)
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.qkv = nn.Linear(width, 3 * joint)
        self.q_norm, self.k_norm = (nn.RMSNorm(joint // heads) for _ in range(2))
        self.out = nn.Linear(joint, width)
        self.text = TextAttention(width, text, heads)
        self.up = nn.Linear(width, feedforward * width)
        self.down = nn.Linear(feedforward * width, width)

    def ask(self, tokens: Tensor, change: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """q, k and v (B, n, heads, W / heads) of tokens (B, n, own width)."""
        shift, scale = (self.changes[i] + change[:, :, i] for i in (0, 1))
        parts = self.qkv(self.norms[0](tokens) * (1 + scale) + shift).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)) for part in parts)
        return self.q_norm(q), self.k_norm(k), v

    def answer(self, tokens: Tensor, found: Tensor, change: Tensor, given: Given) -> Tensor:
        """Tokens (B, n, own width) after what attention `found` (B, n, W), the instruction and the MLP."""
        gate, shift, scale, gate_mlp = (self.changes[i] + change[:, :, i] for i in (2, 3, 4, 5))
        tokens = tokens + gate * self.out(found)
        tokens = tokens + self.text(tokens, given)
        hidden = self.up(self.norms[1](tokens) * (1 + scale) + shift)
        out: Tensor = tokens + gate_mlp * self.down(functional.gelu(hidden, approximate="tanh"))
        return out


Keys = tuple[Tensor, Tensor]
"""Keys and values (B, heads, n, W / heads) of one block, turned to their places."""


class Block(nn.Module):
    """Both streams, joined by attention."""

    def __init__(self, widths: tuple[int, int], heads: int, feedforward: int) -> None:
        super().__init__()
        video, action = widths
        self.video = Stream(video, video, video, heads, feedforward)
        self.action = Stream(action, video, video, heads, feedforward)

    def forward(
        self, tokens: tuple[Tensor, Tensor], changes: tuple[Tensor, Tensor], given: Given, kept: Keys | None
    ) -> tuple[tuple[Tensor, Tensor], Keys]:
        """Both streams' tokens (B, n, width), one block further, and their keys and values; `kept` are seen too."""
        streams = (self.video, self.action)
        asked = [stream.ask(*pair) for stream, *pair in zip(streams, tokens, changes, strict=True)]
        q, k, v = (torch.cat(part, dim=1) for part in zip(*asked, strict=True))
        q, k = (turned(part, given.angles).transpose(1, 2) for part in (q, k))
        own = (k, v.transpose(1, 2))
        keys, values = (
            own if kept is None else (torch.cat(pair, dim=2) for pair in zip(kept, own, strict=True))
        )
        found = functional.scaled_dot_product_attention(q, keys, values, attn_mask=given.mask)
        parts = found.transpose(1, 2).flatten(2).split([part.shape[1] for part in tokens], dim=1)
        video, action = (
            stream.answer(part, seen, change, given)
            for stream, part, seen, change in zip(streams, tokens, parts, changes, strict=True)
        )
        return (video, action), own


def turned(values: Tensor, angles: Tensor) -> Tensor:
    """Rotary embedding: pairs of (B, n, heads, 2 pairs) turned by `angles` (B, n, 1, pairs)."""
    even, odd = values[..., 0::2], values[..., 1::2]
    cos, sin = angles.cos(), angles.sin()
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


def rates(pairs: int, slowest: float) -> Tensor:
    """Angles per unit of a place, (pairs,), from 1 down to about 1 / slowest."""
    made: Tensor = slowest ** -(torch.arange(pairs) / max(1, pairs))
    return made


def narrowed(wide: Tensor, shape: Sequence[int]) -> Tensor:
    """Weights `wide` interpolated to the smaller `shape`, times sqrt(inputs before / inputs now)."""
    if wide.ndim == 1:
        return functional.interpolate(wide[None, None], shape[0], mode="linear", align_corners=True)[0, 0]
    made = functional.interpolate(wide[None, None], tuple(shape), mode="bilinear", align_corners=True)[0, 0]
    return made * math.sqrt(wide.shape[1] / shape[1])


@torch.no_grad()
def begin_as(action: Stream, video: Stream) -> None:
    """Give the action stream the video's weights, made narrower, so that both begin with like outputs."""
    theirs = dict(video.named_parameters())
    for name, weight in action.named_parameters():
        wide = theirs[name]
        if wide.shape == weight.shape:
            weight.copy_(wide)
        else:
            weight.copy_(narrowed(wide, weight.shape))
