"""Actions as the last tokens of a vocabulary, and a stream of them as one flat sequence.

value  -1 ...................... 1       256 bins of equal width; -1 and 1 are the 1st and 99th percentile
bin     0    1    2   ...      255
token  V-1  V-2  V-3  ...    V-256       V-257 is the separator, everything below is words

stream  a_0^1 ... a_0^K ; a_1^1 ... a_1^K ; ...      K tokens and a separator per action
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 256


@dataclass(frozen=True)
class StreamTokens:
    """The code between normalised actions and tokens.

    Args:
        vocabulary: V.
        dim: K, numbers of an action.
    """

    vocabulary: int
    dim: int

    @property
    def separator(self) -> int:
        """The token behind every action, and the number of tokens that are words."""
        return self.vocabulary - BINS - 1

    @property
    def per_unit(self) -> int:
        """Tokens of an action with its separator."""
        return self.dim + 1

    def bins(self, values: Tensor) -> Tensor:
        """The bins of values in -1..1, of any shape; what lies beyond counts as the last one."""
        return ((values.float() + 1) * (BINS / 2)).floor().clamp(0, BINS - 1).long()

    def values(self, bins: Tensor) -> Tensor:
        """The middles of bins, of any shape, in -1..1."""
        return (bins.float() + 0.5) * (2 / BINS) - 1

    def ids(self, bins: Tensor) -> Tensor:
        """The tokens of bins of any shape, and the bins of tokens: it is its own inverse."""
        return self.vocabulary - 1 - bins

    def flat(self, bins: Tensor) -> Tensor:
        """Actions (B, H, K) as a stream (B, H (K + 1))."""
        separators = bins.new_full((*bins.shape[:2], 1), self.separator)
        return torch.cat([self.ids(bins), separators], dim=2).flatten(1)

    def legal(self, logits: Tensor) -> Tensor:
        """Of logits (..., V) those of bins 0 to 255: (..., 256)."""
        return logits[..., self.vocabulary - BINS : self.vocabulary].flip(-1)
