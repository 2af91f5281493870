"""The naive asynchronous inference that LingBot-VA is compared with (Fig. 4 B-1 of its paper).

As `world_model_async`, but what the executing rows lead to is not imagined anew: the pictures that were imagined
together with them stand, whatever was seen since.
"""

from collections.abc import Mapping
from typing import Any

from segue_core.sampling import WORLD_MODEL_NAIVE
from segue_scheduler.continuation.base import Continuation
from segue_scheduler.continuation.world_model_async import WorldModelAsync


class WorldModelNaive(WorldModelAsync):
    """Goes on from stale pictures."""

    name = "world_model_naive"
    sampling = WORLD_MODEL_NAIVE.name


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return WorldModelNaive(options)
