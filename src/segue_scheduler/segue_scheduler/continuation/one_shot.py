"""One-shot guidance, Legato's baseline (arXiv 2602.12978, Eq. 4-5, Table A.2): the reference enters the noise only.

    row        0 ... d-1     d ... d+r-1          d+r ... H-1
    omega      1 ... 1       r/(r+1) ... 1/(r+1)  0 ... 0
    X_0        omega reference + (1 - omega) eps, then plain denoising

Nothing holds the rows during the steps, so they drift from what is executing: the reason for Legato's guidance.
"""

from collections.abc import Mapping
from typing import Any

from segue_core.sampling import ONE_SHOT
from segue_scheduler.continuation.base import Continuation, Guided


class OneShot(Guided):
    """Needs a policy that was trained so; d and r must lie inside its training range."""

    name = "one_shot"
    sampling = ONE_SHOT.name
    trained_lengths = True


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return OneShot(options)
