"""ACT's loss: absolute error of the rows that were demonstrated, and the style variable's distance from its prior."""

from __future__ import annotations

from torch import Tensor

from segue_policies.methods.act.model import Style


def reconstruction(predicted: Tensor, actions: Tensor, real: Tensor) -> Tensor:
    """Mean absolute error of chunks (B, H, D); rows where `real` (B, H) is false count as zero, as the authors do."""
    return ((predicted - actions).abs() * real.unsqueeze(-1)).mean()


def divergence(style: Style) -> Tensor:
    """KL(q || N(0, 1)), summed over z and averaged over samples."""
    terms = 1 + style.log_variance - style.mean.square() - style.log_variance.exp()
    return -0.5 * terms.sum(dim=1).mean()
