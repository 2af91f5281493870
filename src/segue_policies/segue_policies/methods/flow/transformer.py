"""A second backbone for the chunk head: a small diffusion transformer (DiT, arXiv 2212.09748) over time.

    rows    0 1 2 3 | 4 5 6 7 | ... | H-4 .. H-1       `rows` rows of the noisy chunk and its condition row
    tokens     x0   |    x1   | ... |  x(H/rows - 1)    plus a learned place
    block      attention and MLP, each scaled, shifted and gated by the observation and the flow time (adaLN-zero)

Same inputs and outputs as the MLP head, so that variant, sampler and loop do not know which one they have.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from segue_policies.methods.flow.model import TimeEmbedding


class DitBlock(nn.Module):
    """Self-attention and an MLP over tokens; the gates begin at zero, so a fresh block is the identity."""

    def __init__(self, width: int, heads: int, condition_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.normalise = nn.LayerNorm(width, elementwise_affine=False)
        self.modulate = nn.Linear(condition_width, 6 * width)
        self.attend = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.think = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width)
        )
        nn.init.zeros_(self.modulate.weight)
        nn.init.zeros_(self.modulate.bias)

    def forward(self, tokens: Tensor, condition: Tensor) -> Tensor:
        """`(B, T, W)`, `(B, C)` to `(B, T, W)`."""
        shift_a, scale_a, gate_a, shift_b, scale_b, gate_b = self.modulate(condition)[:, None].chunk(
            6, dim=-1
        )
        tokens = tokens + gate_a * self._attention(self.normalise(tokens) * (1 + scale_a) + shift_a)
        thought: Tensor = tokens + gate_b * self.think(self.normalise(tokens) * (1 + scale_b) + shift_b)
        return thought

    def _attention(self, tokens: Tensor) -> Tensor:
        batch, count, width = tokens.shape
        parts = self.attend(tokens).view(batch, count, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        joined: Tensor = self.join(mixed.transpose(1, 2).reshape(batch, count, width))
        return joined


class TransformerHead(nn.Module):
    """`(H, D + 1)` to the clean `(H, D)`, as `model.ChunkHead`."""

    def __init__(
        self,
        horizon: int,
        action_dim: int,
        width: int,
        blocks: int,
        condition_width: int,
        rows: int,
        heads: int,
    ) -> None:
        """`rows` per token divides H, `heads` divides the width."""
        super().__init__()
        self.shape = (horizon, action_dim)
        self.tokens = horizon // rows
        self.time = TimeEmbedding(6)
        self.condition = nn.Linear(condition_width + self.time.width, condition_width)
        self.enter = nn.Linear(rows * (action_dim + 1), width)
        self.place = nn.Parameter(0.02 * torch.randn(self.tokens, width))
        self.blocks = nn.ModuleList(DitBlock(width, heads, condition_width) for _ in range(blocks))
        self.normalise = nn.LayerNorm(width)
        self.leave = nn.Linear(width, rows * action_dim)

    def forward(self, noisy: Tensor, observed: Tensor, t: Tensor, omega: Tensor) -> Tensor:
        """`(B, H, D)`, `(B, C)`, `(B,)`, `(B, H)` to the predicted clean chunk `(B, H, D)`, float32."""
        conditioned = torch.cat([noisy, omega.unsqueeze(-1)], dim=-1)
        condition = functional.silu(self.condition(torch.cat([observed, self.time(t)], dim=1)))
        tokens = self.enter(conditioned.reshape(len(noisy), self.tokens, -1)) + self.place
        for block in self.blocks:
            tokens = block(tokens, condition)
        clean: Tensor = self.leave(self.normalise(tokens))
        return clean.float().reshape(-1, *self.shape)
