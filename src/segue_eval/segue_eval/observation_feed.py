"""What a policy is shown in lockstep: the observations of each request, and everything that its memory is told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from segue_core.history import History, lookback
from segue_core.memory import MemoryFeed
from segue_core.observation import Observation
from segue_core.policy import Policy, remember


class ObservationFeed:
    """Looks for a policy, no more often than it needs: pictures take time to draw.

    Args:
        observe: the observation of a tick; only asked for the tick that is now.
    """

    def __init__(self, policy: Policy, observe: Callable[[int], Observation]) -> None:
        info = policy.info
        self.policy, self._observe = policy, observe
        self._always = lookback(info.history) > 0
        self._history: History[Observation] = History(info.history)
        self._memory: MemoryFeed[Observation] = MemoryFeed(info.observe_every, info.action_space.dim)

    def begin(self, tick: int) -> None:
        """A task begins at `tick`: the policy forgets the one before."""
        self.policy.reset()
        self._history.begin()
        self._memory.begin(tick)

    def look(self, tick: int) -> None:
        """See what this tick has for the policy; called once per tick, before anything is asked."""
        if self._always:
            self._now(tick)
        if self._memory.wants(tick):
            self._memory.saw(tick, self._now(tick))
            for glimpse in self._memory.until(tick):
                remember(self.policy, glimpse.seen, glimpse.executed, glimpse.corrected)

    def shown(self, tick: int) -> list[Observation]:
        """The observations of a request for this tick, newest last; raises PolicyError where one was never seen."""
        self._now(tick)
        return self._history.shown(tick)

    def glance(self, tick: int, measured: NDArray[np.float64], looks: bool) -> Observation:
        """The newest observation, for a corrector: without pictures for one that does not look at any."""
        return self._now(tick) if looks else Observation(tick, measured.astype(np.float32), {})

    def did(self, tick: int, command: NDArray[np.float64]) -> None:
        """What is executed in this tick, (D,)."""
        self._memory.did(tick, command)

    def _now(self, tick: int) -> Observation:
        seen = self._history.get(tick)
        if seen is None:
            seen = self._observe(tick)
            self._history.add(tick, seen)
        return seen
