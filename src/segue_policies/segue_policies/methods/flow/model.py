"""Legato's network: a clean chunk from a noisy one, and the velocity that this means.

The network predicts the clean chunk `A_hat`; its velocity is written in closed form,

    f = (1 - N omega (1 - t)) [ (A_hat - Y) / (1 - t) + omega (A_hat - eps) ]          (path.legato_velocity)

which is Eq. 15 where `A_hat = A`. The regression target stays. Two things follow for rows without guidance:
the hidden layers may be narrower than the chunk (the noise never has to pass through them), and the last of the N
steps lands on `A_hat` itself, so an executed chunk carries no left-over noise.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from segue_policies.methods.flow.path import LegatoSteps, VelocityFn, time_like


class TimeEmbedding(nn.Module):
    """Sines and cosines of the flow time, periods from 2 down to 2 / 2^(F-1)."""

    frequencies: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.width = 2 * count
        self.register_buffer("frequencies", math.pi * 2.0 ** torch.arange(count), persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        """`(B,)` to `(B, 2 * count)`."""
        phase = t[:, None] * self.frequencies
        return torch.cat([phase.sin(), phase.cos()], dim=1)


class FilmBlock(nn.Module):
    """Residual block whose hidden layer is scaled and shifted by the condition."""

    def __init__(self, width: int, condition_width: int) -> None:
        super().__init__()
        self.normalise = nn.LayerNorm(width, elementwise_affine=False)
        self.film = nn.Linear(condition_width, 2 * width)
        self.widen = nn.Linear(width, width)
        self.narrow = nn.Linear(width, width)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """`(B, W)`, `(B, C)` to `(B, W)`."""
        scale, shift = self.film(condition).chunk(2, dim=-1)
        hidden = functional.silu(self.widen(self.normalise(x)) * (1 + scale) + shift)
        widened: Tensor = x + self.narrow(hidden)
        return widened


class ChunkHead(nn.Module):
    """Residual MLP over the flattened noisy chunk and its condition row, `(H, D + 1)` to the clean `(H, D)`."""

    def __init__(self, horizon: int, action_dim: int, width: int, blocks: int, condition_width: int) -> None:
        super().__init__()
        self.shape = (horizon, action_dim)
        self.time = TimeEmbedding(6)
        self.condition = nn.Linear(condition_width + self.time.width, condition_width)
        self.enter = nn.Linear(horizon * (action_dim + 1), width)
        self.blocks = nn.ModuleList(FilmBlock(width, condition_width) for _ in range(blocks))
        self.leave = nn.Linear(width, horizon * action_dim)

    def forward(self, noisy: Tensor, observed: Tensor, t: Tensor, omega: Tensor) -> Tensor:
        """`(B, H, D)`, `(B, C)`, `(B,)`, `(B, H)` to the predicted clean chunk `(B, H, D)`, float32."""
        conditioned = torch.cat([noisy, omega.unsqueeze(-1)], dim=-1)  # the condition row: (B, H, D + 1)
        condition = functional.silu(self.condition(torch.cat([observed, self.time(t)], dim=1)))
        x = self.enter(conditioned.flatten(1))
        for block in self.blocks:
            x = block(x, condition)
        clean: Tensor = self.leave(functional.silu(x))
        return clean.float().view(-1, *self.shape)


class ExpectedChunk(nn.Module):
    """The chunk that the observation alone suggests, `E[A | o]`; used in training only, to teach the encoder."""

    def __init__(self, condition_width: int, width: int, horizon: int, action_dim: int) -> None:
        super().__init__()
        self.shape = (horizon, action_dim)
        self.layers = nn.Sequential(
            nn.Linear(condition_width, width), nn.SiLU(), nn.Linear(width, horizon * action_dim)
        )

    def forward(self, observed: Tensor) -> Tensor:
        """`(B, C)` to `(B, H, D)`, float32."""
        expected: Tensor = self.layers(observed)
        return expected.float().view(-1, *self.shape)


class FlowNet(nn.Module):
    """Observation encoder and chunk head."""

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        num_steps: int,
        min_noise: float,
        condition_row: bool = True,
    ) -> None:
        """Args as below.

        Args:
            encoder: `(images, state)` to the embedding `(B, C)`.
            head: `(noisy, embedding, t, omega)` to the clean chunk.
            num_steps: N.
            min_noise: floor of the share of noise 1 - t in the velocity of a path that is not reshaped.
            condition_row: whether the head is told omega; without it that row is zero (the paper's ablation).
        """
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.num_steps = num_steps
        self.min_noise = min_noise
        self.condition_row = condition_row

    def observe(self, images: Tensor, state: Tensor) -> Tensor:
        """`(B, cameras, 3, h, w)`, `(B, S)`, normalised, to the embedding `(B, C)`; once per observation."""
        embedding: Tensor = self.encoder(images, state)
        return embedding

    def clean(self, noisy: Tensor, observed: Tensor, t: Tensor, omega: Tensor) -> Tensor:
        """Predicted clean chunk `(B, H, D)` from `(B, H, D)`, `(B, C)`, `(B,)`, `(B, H)`."""
        row = omega if self.condition_row else torch.zeros_like(omega)
        predicted: Tensor = self.head(noisy, observed, t, row)
        return predicted

    def bind_guided(self, observed: Tensor, noise: Tensor) -> VelocityFn:
        """Legato's `f(Y, o, t, omega)` for embeddings `(B, C)`: scalar t, omega `(B, H)` or `(H,)`.

        `noise` `(B, H, D)` is what the sampler begins with.
        """
        steps: LegatoSteps | None = None

        def velocity(noisy: Tensor, t: Tensor, omega: Tensor) -> Tensor:
            nonlocal steps
            if steps is None or steps.omega is not omega:  # a sampler has one omega for all of its steps
                steps = LegatoSteps(noise, omega, self.num_steps)
            return steps.velocity(self._predict(noisy, observed, t, omega), noisy, t)

        return velocity

    def bind(self, observed: Tensor) -> VelocityFn:
        """The velocity `(A_hat - X) / (1 - t)`, `(B, H, D)`, of a path that is not reshaped; omega only conditions."""

        def velocity(noisy: Tensor, t: Tensor, omega: Tensor) -> Tensor:
            left = (1 - time_like(t, noisy)).clamp(min=self.min_noise)
            return (self._predict(noisy, observed, t, omega) - noisy) / left

        return velocity

    def _predict(self, noisy: Tensor, observed: Tensor, t: Tensor, omega: Tensor) -> Tensor:
        """`A_hat` for a scalar t and an omega that may lack the batch."""
        return self.clean(noisy, observed, t.expand(len(noisy)), omega.expand(noisy.shape[:2]))


class Training(nn.Module):
    """The policy's network, and beside it the regression that teaches its encoder."""

    def __init__(self, net: FlowNet, expected: ExpectedChunk) -> None:
        super().__init__()
        self.net = net
        self.expected = expected
