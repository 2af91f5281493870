"""VLASH (arXiv 2512.01031): ask for the chunk from the state that will be reached when it begins.

    tick       o ... o+d-1          o+d ... o+H-1
    executing  a ... a_(o+d-1)      (dropped)
    answer     a ... a_(o+d-1)      b_0 ... b_(H-d-1)      b sampled with a_(o+d-1) in place of the state
    omega      1 ... 1              0 ... 0                marks the rows that will have passed

The pictures are those of tick o. The policy shows itself the last action that will have been executed, as the paper
does, and dates its answer from o like any other, so that it is spliced by its ticks however late it comes.
"""

from collections.abc import Mapping
from typing import Any

from segue_core.sampling import VLASH
from segue_scheduler.continuation.base import Continuation, Guided


class Vlash(Guided):
    """Needs a policy that was trained with shifted states, by at least the delay."""

    name = "vlash"
    sampling = VLASH.name
    trained_lengths = True
    ramps = False


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return Vlash(options)
