"""How much of a chunk is left at each diffusion step.

noisy = sqrt(kept) chunk + sqrt(1 - kept) noise         kept[t] = product over s <= t of (1 - beta[s])

step t            0   ...   T - 1
kept              ~1        ~0
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from segue_policies.diffusion_policy.config import DiffusionConfig

_LARGEST_BETA = 0.999
_LINEAR = (1e-4, 0.02)


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """Shares of the chunk's power, `kept` (T,), float64."""

    kept: Tensor

    def noisy(self, clean: Tensor, noise: Tensor, step: Tensor) -> Tensor:
        """Chunks (B, H, D) at steps (B,)."""
        kept = self.kept.to(clean.device)[step].view(-1, 1, 1)
        return kept.sqrt().to(clean) * clean + (1 - kept).sqrt().to(clean) * noise

    def share(self, step: int) -> float:
        """`kept` of one step; 1 beyond the last, where nothing is noise."""
        return float(self.kept[step]) if step >= 0 else 1.0

    def descent(self, steps: int) -> list[tuple[int, int]]:
        """Pairs of a step and the one after it, from the noisiest down to -1.

        T = 100, 10 steps:  (90, 80) (80, 70) ... (10, 0) (0, -10)       what is below 0 is no step any more
        """
        apart = len(self.kept) // steps
        return [(k * apart, (k - 1) * apart) for k in reversed(range(steps))]


def noise_schedule(config: DiffusionConfig) -> NoiseSchedule:
    """That of the settings: a squared cosine (Nichol and Dhariwal 2021), or betas that rise on a line."""
    count = config.train_steps
    if config.schedule == "linear":
        beta = torch.linspace(*_LINEAR, count, dtype=torch.float64)
    else:
        level = [math.cos((k / count + 0.008) / 1.008 * math.pi / 2) ** 2 for k in range(count + 1)]
        falls = [min(1 - after / now, _LARGEST_BETA) for now, after in pairwise(level)]
        beta = torch.tensor(falls, dtype=torch.float64)
    return NoiseSchedule((1 - beta).cumprod(0))
