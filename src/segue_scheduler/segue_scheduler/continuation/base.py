"""What a continuation method decides: the guidance of a request, and how an answer joins the timeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.chunk import ActionChunk
from segue_core.config_base import StrictModel, parse_model
from segue_core.timeline import Timeline


@dataclass(frozen=True, eq=False)
class InferenceStart:
    """The moment of a request. Lengths are already fitted to the rows that are left.

    Args:
        tick: tick of the observation.
        horizon: rows H to ask for.
        delay: ticks d the answer is expected to take.
        ramp: ramp length r; d + r is at most the number of rows left.
        ramp_kind: shape of the ramp.
        rows: what is left to execute, (n, D), row 0 for `tick`; empty when there is no prefix.
    """

    tick: int
    horizon: int
    delay: int
    ramp: int
    ramp_kind: str
    rows: NDArray[np.float64]


class NoOptions(StrictModel):
    """For methods that have none."""


class Continuation:
    """Base of all methods; the defaults are those of a plain policy whose answer replaces what is left.

    One instance serves one scheduler and is called from one thread. `reset` comes before each run.
    """

    name: ClassVar[str]
    sampling: ClassVar[str] = "plain"  # `method` of the request: what the policy's sampler does
    requires: ClassVar[frozenset[str]] = frozenset()  # capabilities of the policy
    waits: ClassVar[bool] = False  # motion stops while the policy thinks
    trained_lengths: ClassVar[bool] = False  # d and r must lie inside the policy's training range

    def __init__(self, options: Mapping[str, Any]) -> None:
        parse_model(dict(options), NoOptions, f"continuation_options of {self.name}")

    def reset(self) -> None:
        """Forget the run before."""

    def start_tick(self, start: InferenceStart) -> int:
        """Tick that row 0 of the answer is for."""
        return start.tick

    def omega(self, start: InferenceStart) -> NDArray[np.float32]:
        """Guidance (H,) when there is a prefix; without one it is always zero."""
        return np.zeros(start.horizon, dtype=np.float32)

    def merge(self, timeline: Timeline, chunk: ActionChunk, now: int, space: ActionSpace) -> int:
        """Put `chunk` on the timeline from tick `now` on; returns the rows dropped because they are past."""
        return timeline.splice(chunk, now)
