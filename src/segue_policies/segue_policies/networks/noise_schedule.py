"""How much of what is drawn is left at each diffusion step.

noisy = sqrt(kept) clean + sqrt(1 - kept) noise         kept[t] = product over s <= t of (1 - beta[s])

step t            0   ...   T - 1
kept              ~1        ~0
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

_LARGEST_BETA = 0.999
_LINEAR = (1e-4, 0.02)


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """Shares of the clean power, `kept` (T,), float64."""

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


def squared_cosine(count: int) -> NoiseSchedule:
    """Of `count` steps, after Nichol and Dhariwal 2021."""
    level = [math.cos((k / count + 0.008) / 1.008 * math.pi / 2) ** 2 for k in range(count + 1)]
    falls = [min(1 - after / now, _LARGEST_BETA) for now, after in pairwise(level)]
    return NoiseSchedule((1 - torch.tensor(falls, dtype=torch.float64)).cumprod(0))


def linear(count: int) -> NoiseSchedule:
    """Of `count` steps whose betas rise on a line."""
    return NoiseSchedule((1 - torch.linspace(*_LINEAR, count, dtype=torch.float64)).cumprod(0))
