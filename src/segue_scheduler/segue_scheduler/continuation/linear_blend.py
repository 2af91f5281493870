"""Fade from the old chunk to the new one over the rows that both have, channel by channel.

    row from now   0        1        ...  L-1      L  ...
    share of new   1/(L+1)  2/(L+1)  ...  L/(L+1)  1  ...      ramp
    share of new   c        c        ...  c        1  ...      constant, `share: c`

L is `window`, or all rows that are left of the old chunk. A constant share of 0.7 is the default of LeRobot's
asynchronous client, which mixes component by component; here orientations turn the short way, wrapping joints too,
and a gripper is the new chunk's from row 0 on.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_scheduler.continuation.base import Continuation, Mixing


class LinearBlendOptions(StrictModel):
    """Length and shape of the fade."""

    window: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="ticks L of the fade; null means as long as the old chunk lasts",
    )
    share: float | None = Field(
        default=None, gt=0, le=1, description="constant share c of the new chunk; null means a ramp"
    )


class LinearBlend(Mixing):
    """Plain sampling; hides the jump at a seam without asking the policy to avoid it."""

    name = "linear_blend"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = self.parse(options, LinearBlendOptions)

    def shares(self, old: int, new: int) -> NDArray[np.float64]:
        """The ramp, or the constant, over the window and 1 behind it: (min(old, new),) in [0, 1]."""
        both = min(old, new)
        window = min(self._options.window or both, both)
        share = np.minimum(np.arange(1, both + 1) / (window + 1), 1.0)
        if self._options.share is not None:
            share[:window] = self._options.share
        share[window:] = 1.0
        return share


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return LinearBlend(options)
