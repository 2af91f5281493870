"""A per-tick corrector: it looks at the newest observation and adds a little to the planned action.

    tick       o        o+k
    planned    a_0 ...  a_k                        what was seen at o
    residual            r = pi(o_k, a_k, k)        |r| <= bound, per number of an action
    command             a_k + r                    then the guard

As A2C2 (arXiv 2509.23224) does; whoever executes a plan holds the corrector to the bound that it declares.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segue_core.observation import Observation


@dataclass(frozen=True, eq=False)
class Moment:
    """One tick of a plan.

    Args:
        tick: control tick.
        observation: the newest there is; its tick says how new. Without pictures for a corrector that names no cameras.
        planned: (D,), in the units of the action space.
        row: index k of `planned` in its chunk.
        horizon: rows of that chunk.
    """

    tick: int
    observation: Observation
    planned: NDArray[np.float64]
    row: int
    horizon: int


class Corrector(Protocol):
    """Called on the thread of the control tick: it has a few milliseconds, and keeps no reference to a moment."""

    @property
    def bound(self) -> NDArray[np.float64]:
        """Largest residual of each number of an action, (D,), not negative; constant."""
        ...

    @property
    def cameras(self) -> tuple[str, ...]:
        """Pictures that it looks at, of those that the policy is shown; constant."""
        ...

    def reset(self) -> None:
        """A plan begins; called before the first moment of each run."""
        ...

    def correct(self, moment: Moment) -> NDArray[np.float64]:
        """The residual (D,) that is added to the planned action."""
        ...
