"""A plain chunk, mixed with the executing one by Legato's weights after it was sampled: what guidance adds to that.

    row       0 ... d-1     d ... d+r-1            d+r ... H-1
    omega     1 ... 1       r/(r+1) ... 1/(r+1)    0 ... 0
    answer    omega * reference + (1 - omega) * sampled

The policy is asked plainly and knows nothing of it, so it needs no training. In Legato's tables it stands beside
Legato: whatever both have is the blend's, and the rest is what the training adds.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from segue_core.action_space import ActionSpace
from segue_core.blending import blend
from segue_core.chunk import ActionChunk
from segue_core.policy import ChunkRequest
from segue_scheduler.continuation.base import Continuation, Guided


class OmegaBlend(Guided):
    """Plain sampling, blended afterwards, grippers as well: guidance holds their numbers to the old chunk too."""

    name = "omega_blend"

    def answered(self, chunk: ActionChunk, request: ChunkRequest, space: ActionSpace) -> ActionChunk:
        """Rows (n, D) held to the reference as omega says."""
        rows = chunk.horizon
        share = 1.0 - request.omega[:rows].astype(np.float64)
        mixed = blend(space, request.reference[:rows], chunk.actions, share, average_grippers=True)
        return replace(chunk, actions=mixed.astype(np.float32))


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return OmegaBlend(options)
