"""A progress estimator in lockstep: shown the robot five times a second, heard a fixed time later.

tick   0          6          12                  what was seen at a tick
heard       2          8          14             arrives two ticks later, as it does in a graph
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from segue_core.observation import Observation
from segue_core.progress.estimator import ProgressEstimator, period_ticks
from segue_core.progress.instructions import KNOWN, familiarity
from segue_core.progress.traces import ProgressTrace
from segue_scheduler.tick import Estimate

DELAY_TICKS = 2


class LockstepEstimator:
    """Looks on while a policy does a task; silent where the instruction is not known.

    Args:
        observe: what the estimator is shown at a tick; only asked for the tick that is now.
        rate_hz: ticks per second.
    """

    def __init__(
        self, estimator: ProgressEstimator, observe: Callable[[int], Observation], rate_hz: float
    ) -> None:
        self._estimator, self._observe = estimator, observe
        self._period = period_ticks(rate_hz)

    def begin(self, tick: int, instruction: str) -> None:
        """A task begins at `tick`."""
        self._silent = familiarity(instruction, self._estimator.info.instructions) < KNOWN
        self._estimator.begin(instruction)
        self._first = tick
        self._coming: dict[int, Estimate] = {}
        self._said: dict[int, float] = {}

    def look(self, tick: int) -> None:
        """See this tick, if it is one to look at; called once per tick."""
        if self._silent or (tick - self._first) % self._period:
            return
        progress = np.float32(self._estimator.estimate(self._observe(tick)))  # as on the wire
        self._said[tick - self._first] = float(progress)
        self._coming[tick + DELAY_TICKS] = Estimate(self._estimator.info.name, float(progress))

    def trace(self, ticks: int) -> ProgressTrace | None:
        """What it said in a task of so many ticks, beside the ramp from 0 to 1; None where it said nothing."""
        if not self._said:
            return None
        seen, last = np.array(list(self._said)), max(ticks - 1, 1)
        return ProgressTrace(seen, np.array(list(self._said.values())), seen / last, last)

    def heard(self, tick: int) -> Estimate | None:
        """What arrives at this tick."""
        return self._coming.pop(tick, None)
