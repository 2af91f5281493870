"""Nothing moves any more, although the policy is answering."""

from math import ceil

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from segue_core.action_space import ActionSpace
from segue_core.blending import difference
from segue_core.contracts.base import StrictModel
from segue_scheduler.termination.base import Evidence, RuleContext, TerminationRule
from segue_scheduler.tick import Outcome


class StallOptions(StrictModel):
    """Options of `stall`."""

    window_s: float = Field(
        default=5.0, gt=0, le=600, description="time without motion that ends the task [s]"
    )
    motion: float = Field(
        default=0.01, gt=0, description="largest change in any dimension that is still no motion [m, rad, 1]"
    )


class Stall:
    """Fires when the measured state stays within `motion` of one pose for the window; waiting does not count.

    Keeps one anchor pose, moved whenever the state leaves its neighbourhood: constant time per tick.
    """

    def __init__(self, options: StallOptions, space: ActionSpace) -> None:
        self._motion = options.motion
        self._window_s = options.window_s
        self._window_ticks = ceil(options.window_s * space.rate_hz)
        self._space = space
        self.reset()

    def reset(self) -> None:
        """Forget the anchor."""
        self._anchor: NDArray[np.float64] | None = None
        self._anchor_tick = 0

    def check(self, evidence: Evidence) -> Outcome | None:
        """Outcome, once nothing has moved for the window."""
        if self._anchor is None or evidence.waiting or self._far_apart(self._anchor, evidence.measured):
            self._anchor, self._anchor_tick = evidence.measured, evidence.elapsed
        if evidence.elapsed - self._anchor_tick < self._window_ticks:
            return None
        return Outcome(False, "stall", f"no motion above {self._motion:g} for {self._window_s:g} s")

    def _far_apart(self, anchor: NDArray[np.float64], measured: NDArray[np.float64]) -> bool:
        return bool(np.abs(difference(self._space, anchor, measured)).max() > self._motion)


def create(context: RuleContext) -> TerminationRule:
    """Registry entry."""
    return Stall(context.options(StallOptions), context.space)
