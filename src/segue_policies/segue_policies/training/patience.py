"""When held-out scores no longer improve: what is the best so far, and when to stop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

SCORE = "validation_loss"


@dataclass
class Patience:
    """Follows the score of a run; lower is better. Its two numbers are carried over a resume."""

    limit: int | None
    best: float | None = None
    without: int = 0

    def better(self, scores: Mapping[str, float]) -> bool:
        """Take in one evaluation: is it the best so far?"""
        score = scores[SCORE]
        improved = self.best is None or math.isnan(self.best) or score < self.best
        self.best, self.without = (score, 0) if improved else (self.best, self.without + 1)
        return improved

    @property
    def exhausted(self) -> bool:
        """The limit of evaluations without a better one is reached."""
        return self.limit is not None and self.without >= self.limit
