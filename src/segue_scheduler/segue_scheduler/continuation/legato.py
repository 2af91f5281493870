"""Legato (arXiv 2602.12978): guide before every denoising step, with a velocity field trained for it.

    row        0 ... d-1     d ... d+r-1       d+r ... H-1
    omega      1 ... 1       r/(r+1) ... 1/(r+1)  0 ... 0       (Sec. III-D; `segue_core.schedule`)
    reference  what is executing, from the request's tick on, its last row repeated to H

The policy mixes Y = (1 - omega) X + omega reference before each of its N steps (Alg. 1). Rows 0 .. d-1 of the
answer are past when it arrives; row d continues the executing chunk because the prefix was held to it.
"""

from collections.abc import Mapping
from typing import Any

from segue_core.sampling import LEGATO
from segue_scheduler.continuation.base import Continuation, Guided


class Legato(Guided):
    """Needs a policy that was trained with guidance; d and r must lie inside its training range."""

    name = "legato"
    sampling = LEGATO.name
    trained_lengths = True


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return Legato(options)
