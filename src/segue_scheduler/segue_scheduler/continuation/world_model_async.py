"""LingBot-VA's asynchronous inference (Alg. 2 of its paper): what is executing is imagined to its end first.

    row          0 ... d-1                   d ... H-1
    omega        1 ... 1                     0 ... 0
    the policy   what do these lead to?      what then?

The policy begins with the newest observation, imagines what the executing rows will have led to when its answer comes,
and predicts from there: its pictures are grounded in what was seen. Rows 0 .. d-1 are past when the answer arrives.
"""

from collections.abc import Mapping
from typing import Any

from segue_core.sampling import WORLD_MODEL, WorldModelSampling
from segue_scheduler.continuation.base import Continuation, Guided


class WorldModelAsync(Guided):
    """Needs a policy that is a world model."""

    name = "world_model_async"
    sampling = WORLD_MODEL.name
    trained_lengths = True
    ramps = False

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = self.parse(options, WorldModelSampling)

    @property
    def sampling_options(self) -> Mapping[str, float]:
        """Steps and flow time of the imagination."""
        return self._options.model_dump()


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return WorldModelAsync(options)
