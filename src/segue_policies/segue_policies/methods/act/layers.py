"""Transformer layers of DETR, which ACT uses: positions are added to queries and keys of every layer, not to values."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from segue_policies.methods.act.config import NetworkConfig


class _Residual(nn.Module):
    """`x + f(x)`, with a layer norm after (or before) it and dropout on f."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.before = config.pre_norm

    def enter(self, x: Tensor) -> Tensor:
        """What f is shown."""
        shown: Tensor = self.norm(x) if self.before else x
        return shown

    def leave(self, x: Tensor, change: Tensor) -> Tensor:
        """The sum."""
        total: Tensor = x + self.dropout(change)
        return total if self.before else self.norm(total)


class Attention(_Residual):
    """Multi-head attention of tokens to others, or to themselves."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.mix = nn.MultiheadAttention(config.width, config.heads, config.dropout, batch_first=True)

    def forward(
        self,
        x: Tensor,
        place: Tensor,
        memory: tuple[Tensor, Tensor] | None = None,
        hidden: Tensor | None = None,
    ) -> Tensor:
        """`(B, T, W)` to the same.

        Args:
            x: tokens.
            place: their positions, broadcast to them.
            memory: tokens to look at and their positions; x itself if absent.
            hidden: `(B, keys)`, true where a key must not be seen.
        """
        shown = self.enter(x)
        keys, values = (shown + place, shown) if memory is None else (memory[0] + memory[1], memory[0])
        mixed, _ = self.mix(shown + place, keys, values, key_padding_mask=hidden, need_weights=False)
        return self.leave(x, mixed)


class FeedForward(_Residual):
    """MLP on every token."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.widen = nn.Linear(config.width, config.feedforward)
        self.narrow = nn.Linear(config.feedforward, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, T, W)` to the same."""
        return self.leave(x, self.narrow(self.dropout(functional.relu(self.widen(self.enter(x))))))


class Encoder(nn.Module):
    """Self-attention layers."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.attention = nn.ModuleList(Attention(config) for _ in range(config.encoder_layers))
        self.feedforward = nn.ModuleList(FeedForward(config) for _ in range(config.encoder_layers))
        self.norm = nn.LayerNorm(config.width) if config.pre_norm else nn.Identity()

    def forward(self, tokens: Tensor, place: Tensor, hidden: Tensor | None = None) -> Tensor:
        """`(B, T, W)`, positions and the mask of keys that are hidden `(B, T)`."""
        for attention, think in zip(self.attention, self.feedforward, strict=True):
            tokens = think(attention(tokens, place, hidden=hidden))
        encoded: Tensor = self.norm(tokens)
        return encoded


class Decoder(nn.Module):
    """Queries that look at each other and at a memory."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        layers = range(config.decoder_layers)
        self.among = nn.ModuleList(Attention(config) for _ in layers)
        self.across = nn.ModuleList(Attention(config) for _ in layers)
        self.feedforward = nn.ModuleList(FeedForward(config) for _ in layers)
        self.norm = nn.LayerNorm(config.width)

    def forward(self, query_place: Tensor, memory: Tensor, memory_place: Tensor) -> Tensor:
        """Queries begin at zero; `(H, W)` learned places and the memory to `(B, H, W)`."""
        x = memory.new_zeros(len(memory), *query_place.shape)
        for among, across, think in zip(self.among, self.across, self.feedforward, strict=True):
            x = think(across(among(x, query_place), query_place, (memory, memory_place)))
        decoded: Tensor = self.norm(x)
        return decoded


def xavier(modules: Sequence[nn.Module]) -> None:
    """Initialise every matrix as DETR does."""
    for module in modules:
        for parameter in module.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
