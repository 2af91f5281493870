"""LingBot-VA's asynchronous inference (Alg. 2 of its paper): what is executing is imagined to its end first.

    row          0 ... d-1                   d ... H-1
    omega        1 ... 1                     0 ... 0
    the policy   what do these lead to?      what then?

The policy begins with the newest observation, imagines what the executing rows will have led to when its answer comes,
and predicts from there: its pictures are grounded in what was seen. Rows 0 .. d-1 are past when the answer arrives.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.sampling import WORLD_MODEL, WorldModelSampling
from segue_core.schedule import guidance_schedule
from segue_scheduler.continuation.base import Continuation, InferenceStart


class WorldModelAsync(Continuation):
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

    def omega(self, start: InferenceStart) -> NDArray[np.float32]:
        """Ones over d rows, zeros behind: (H,)."""
        return guidance_schedule(start.horizon, start.delay, 0, "zeros")


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return WorldModelAsync(options)
