"""The evaluator: how far a task is after a latent action (ProgressVLA, Eq. 6, 10 and 22).

a_z, o_t  -> world model -> o_t+N   -> progress estimator, with instruction and first pictures -> p_t+N
"""

from __future__ import annotations

from torch import Tensor, nn

from segue_policies.methods.progress_vla.model import ProgressNet
from segue_policies.methods.progress_vla.world.model import WorldModel


class Evaluator(nn.Module):
    """Progress estimator and world model."""

    def __init__(self, progress: ProgressNet, world: WorldModel) -> None:
        super().__init__()
        self.progress, self.world = progress, world

    def forward(self, first: Tensor, now: Tensor, words: Tensor) -> Tensor:
        """The progress now, as the estimator says it: `(B,)`."""
        progress: Tensor = self.progress(first, now, words)
        return progress

    def after(
        self, first: Tensor, now: Tensor, words: Tensor, latents: Tensor, step: Tensor | None = None
    ) -> Tensor:
        """The progress after latent actions `(B, K, L)`, `(B,)`.

        Args:
            first: maps `(B, cameras, C, h, w)`.
            now: tokens of the world model, `(B, N, token)`.
            words: rows of the instruction, `(B, words)`.
            step: diffusion steps `(B,)` of noisy latents; none: they are clean.
        """
        imagined = self.world.pictured(self.world.imagine(now, latents, step))
        progress: Tensor = self.progress(first, imagined, words)
        return progress
