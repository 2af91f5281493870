"""Stop, think, execute: the baseline with a pause at every chunk.

    tick       o ... o+d-1        o+d ... o+d+s-1      o+d+s ...
    executed   hold (thinking)    c0  ... c(s-1)       hold (thinking)
                                  |-- stride s ---|

The robot stands still while the policy thinks, so nothing of a chunk is past when it starts with row 0.
"""

from collections.abc import Mapping
from typing import Any

from segue_scheduler.continuation.base import Continuation


class Synchronous(Continuation):
    """Plain sampling; the scheduler holds the last action from the request to the answer."""

    name = "synchronous"
    ramps = False
    waits = True


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return Synchronous(options)
