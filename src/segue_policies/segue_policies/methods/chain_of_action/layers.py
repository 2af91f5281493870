"""Layers of the chain's decoder: each action looks at those before it and at the observation.

Keys and values are kept while a chain is decoded: an action costs what one token costs, not what all of them do.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(eq=False)
class Kept:
    """Keys and values of one layer, (B, heads, n, W / heads): of the first `count` actions, and of the observation."""

    keys: Tensor
    values: Tensor
    seen: tuple[Tensor, Tensor]
    count: int = 0

    def add(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Keep those of one more action (B, heads, 1, W / heads); returns all."""
        place = slice(self.count, self.count + 1)
        self.keys[:, :, place], self.values[:, :, place] = key, value
        self.count += 1
        return self.keys[:, :, : self.count], self.values[:, :, : self.count]


class Attention(nn.Module):
    """Multi-head attention of queries to keys and values that may be kept."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.leave = nn.Linear(width, width)

    def keys(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, heads, T, W / heads) of tokens (B, T, W)."""
        key, value = self.key_value(x).chunk(2, dim=-1)
        return self._split(key), self._split(value)

    def queries(self, x: Tensor) -> Tensor:
        """Queries (B, heads, T, W / heads) of tokens (B, T, W)."""
        return self._split(self.query(x))

    def forward(self, x: Tensor, keys: tuple[Tensor, Tensor], causal: bool = False) -> Tensor:
        """`(B, T, W)` to the same; `causal`: token i sees the first i + 1 keys."""
        rate = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(
            self.queries(x), *keys, is_causal=causal, dropout_p=rate
        )
        left: Tensor = self.leave(mixed.transpose(1, 2).flatten(2))
        return left

    def _split(self, x: Tensor) -> Tensor:
        split: Tensor = x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return split


class DecoderLayer(nn.Module):
    """Among actions, to the observation, MLP; a layer norm before each."""

    def __init__(self, width: int, heads: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.among, self.across = (Attention(width, heads, dropout) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.think = nn.Sequential(
            nn.Linear(width, feedforward), nn.ReLU(), nn.Dropout(dropout), nn.Linear(feedforward, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """A whole chain `(B, n, W)` and the observation's tokens `(B, M, W)`."""
        shown = self.norms[0](x)
        x = x + self.dropout(self.among(shown, self.among.keys(shown), causal=True))
        return self._rest(x, self.across.keys(context))

    def keep(self, context: Tensor, actions: int) -> Kept:
        """For chains of at most so many actions after an observation `(B, M, W)`."""
        batch, width = len(context), context.shape[-1]
        heads = self.among.heads
        empty = context.new_empty(2, batch, heads, actions, width // heads)
        return Kept(empty[0], empty[1], self.across.keys(context))

    def step(self, x: Tensor, kept: Kept) -> Tensor:
        """The next action's token `(B, 1, W)`, as `forward` has it in its place."""
        shown = self.norms[0](x)
        x = x + self.among(shown, kept.add(*self.among.keys(shown)))
        return self._rest(x, kept.seen)

    def _rest(self, x: Tensor, seen: tuple[Tensor, Tensor]) -> Tensor:
        x = x + self.dropout(self.across(self.norms[1](x), seen))
        changed: Tensor = x + self.dropout(self.think(self.norms[2](x)))
        return changed


class Head(nn.Module):
    """The decoder's last layer, of one step ahead."""

    def __init__(self, layer: DecoderLayer, width: int) -> None:
        super().__init__()
        self.layer = layer
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Predicted tokens `(B, n, W)`."""
        predicted: Tensor = self.norm(self.layer(x, context))
        return predicted

    def step(self, x: Tensor, kept: Kept) -> Tensor:
        """The last of them, `(B, 1, W)`."""
        predicted: Tensor = self.norm(self.layer.step(x, kept))
        return predicted


def stacked(tokens: list[Tensor]) -> Tensor:
    """Tokens (B, 1, W) to (B, n, W)."""
    return torch.cat(tokens, dim=1)
