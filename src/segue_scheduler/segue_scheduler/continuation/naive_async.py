"""Switch to the new chunk when it arrives, with nothing that ties it to the old one.

tick       o    ...  o+d-1      o+d   ...
old        a_s  ...  a_(s+d-1)  (dropped)
new        c_0  ...  c_(d-1)    c_d   ...
           past: dropped        executed; the jump at o+d is whatever the two samples disagree by
"""

from collections.abc import Mapping
from typing import Any

from segue_scheduler.continuation.base import Continuation


class NaiveAsync(Continuation):
    """Plain sampling while the old chunk runs on."""

    name = "naive_async"
    ramps = False


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return NaiveAsync(options)
