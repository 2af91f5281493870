"""The noise network of attention: every row of the chunk is a token that looks at the step and at the observations.

    memory    [step] o_1 ... o_T     -> MLP (or attention among them)
    tokens    a_0 ... a_{H-1}        -> decoder, each row among the earlier ones and the memory -> noise (H, D)

All observations are earlier than the first row here, so every row sees all of them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from segue_policies.methods.diffusion_policy.config import TransformerConfig
from segue_policies.networks.positions import sines

_DEVIATION = 0.02
"""Of fresh weights, as GPT-2's."""


class NoiseTransformer(nn.Module):
    """Noise in a chunk."""

    def __init__(
        self, config: TransformerConfig, rows: int, dim: int, observations: int, condition: int
    ) -> None:
        """`rows` H, `dim` D; `condition` is the width of each of T `observations`."""
        super().__init__()
        width, layer = config.width, _layer_settings(config)
        self.width, self.causal = width, config.causal
        self.token = nn.Linear(dim, width)
        self.observation = nn.Linear(condition, width)
        self.row_place = nn.Parameter(torch.zeros(1, rows, width))
        self.memory_place = nn.Parameter(torch.zeros(1, 1 + observations, width))
        self.dropout = nn.Dropout(config.token_dropout)
        self.memory: nn.Module = nn.Sequential(
            nn.Linear(width, 4 * width), nn.Mish(), nn.Linear(4 * width, width)
        )
        if config.condition_layers:
            among = nn.TransformerEncoderLayer(**layer)
            self.memory = nn.TransformerEncoder(among, config.condition_layers, enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(**layer), config.layers)
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, dim)
        self.apply(_prepare)
        for place in (self.row_place, self.memory_place):
            nn.init.normal_(place, std=_DEVIATION)

    def forward(self, noisy: Tensor, step: Tensor, condition: Tensor) -> Tensor:
        """`(B, H, D)`, steps `(B,)` and observations `(B, T, C)` to `(B, H, D)`."""
        conditioning = torch.cat([sines(step, self.width)[:, None], self.observation(condition)], dim=1)
        memory = self.memory(self.dropout(conditioning + self.memory_place))
        tokens = self.dropout(self.token(noisy) + self.row_place)
        later = _later(noisy.shape[1], noisy.device) if self.causal else None
        noise: Tensor = self.last(self.norm(self.decoder(tokens, memory, tgt_mask=later)))
        return noise


def _later(rows: int, device: torch.device) -> Tensor:
    """True where a row (first axis) must not see another."""
    return torch.ones(rows, rows, dtype=torch.bool, device=device).triu(1)


def _layer_settings(config: TransformerConfig) -> dict[str, Any]:
    return {
        "d_model": config.width,
        "nhead": config.heads,
        "dim_feedforward": 4 * config.width,
        "dropout": config.dropout,
        "activation": "gelu",
        "batch_first": True,
        "norm_first": True,
    }


def _prepare(layer: nn.Module) -> None:
    if isinstance(layer, nn.Linear):
        _fresh(layer.weight, layer.bias)
    elif isinstance(layer, nn.MultiheadAttention):
        _fresh(layer.in_proj_weight, layer.in_proj_bias)


def _fresh(weight: Tensor | None, bias: Tensor | None) -> None:
    if weight is not None:
        nn.init.normal_(weight, std=_DEVIATION)
    if bias is not None:
        nn.init.zeros_(bias)
