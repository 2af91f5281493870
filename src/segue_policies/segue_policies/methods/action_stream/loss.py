"""Long-horizon behaviour cloning (Eq. 6): the likelihood of the demonstrated stream."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def token_losses(logits: Tensor, ids: Tensor) -> Tensor:
    """Negative log-likelihoods (B, n) of tokens (B, n) under logits (B, n, V), over the whole vocabulary."""
    return functional.cross_entropy(logits.float().flatten(0, 1), ids.flatten(), reduction="none").view_as(
        ids
    )


def stream_losses(logits: Tensor, ids: Tensor, real: Tensor) -> Tensor:
    """The mean (B,) over the tokens of a stream that were demonstrated.

    `real` (B, H) is false for actions behind the end of a demonstration, which fill a stream up and are not learned.
    """
    counted = real.repeat_interleave(ids.shape[1] // real.shape[1], dim=1).float()
    return (token_losses(logits, ids) * counted).sum(1) / counted.sum(1).clamp(min=1)
