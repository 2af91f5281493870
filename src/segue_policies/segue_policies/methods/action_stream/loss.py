"""Long-horizon behaviour cloning (Eq. 6): the likelihood of the demonstrated stream.

A bin is a fraction of a millimetre wide, and its neighbours are nearly as right. With a label that is spread over them
the loss knows which bins are near; without, every bin is learned by itself.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from segue_policies.methods.action_stream.tokens import BINS, StreamTokens


def token_losses(logits: Tensor, ids: Tensor) -> Tensor:
    """Negative log-likelihoods (B, n) of tokens (B, n) under logits (B, n, V), over the whole vocabulary."""
    return functional.cross_entropy(logits.float().flatten(0, 1), ids.flatten(), reduction="none").view_as(
        ids
    )


def spread_losses(logits: Tensor, ids: Tensor, tokens: StreamTokens, sigma: float) -> Tensor:
    """As `token_losses`, for a bin the divergence (0 at best) from a normal distribution over the bins around it.

    `sigma` is its standard deviation in bins, at 0 the label is the one bin. The separator's label is itself.
    """
    alone = token_losses(logits, ids)
    if sigma == 0:
        return alone
    bins = tokens.ids(ids)
    around = torch.arange(BINS, device=ids.device)
    label = torch.softmax(-(((around - bins[..., None]) / sigma) ** 2) / 2, dim=-1)  # (B, n, 256)
    said = functional.log_softmax(logits.float(), dim=-1)
    spread = functional.kl_div(tokens.legal(said), label, reduction="none").sum(-1)
    return torch.where(bins < BINS, spread, alone)


def stream_losses(losses: Tensor, real: Tensor) -> Tensor:
    """The mean (B,) of losses (B, n) over the tokens of a stream that were demonstrated.

    `real` (B, H) is false for actions behind the end of a demonstration, which fill a stream up and are not learned.
    """
    counted = real.repeat_interleave(losses.shape[1] // real.shape[1], dim=1).float()
    return (losses * counted).sum(1) / counted.sum(1).clamp(min=1)
