"""What a continuation decides: the guidance of a request, and how an answer joins the timeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.blending import blend
from segue_core.chunk import ActionChunk
from segue_core.contracts.base import ModelT, parse_model
from segue_core.policy import ChunkRequest
from segue_core.sampling import NoOptions, needed_for
from segue_core.schedule import guidance_schedule
from segue_scheduler.splice import Timeline


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


class Continuation:
    """Base of all continuations; the defaults are those of a plain policy whose answer replaces what is left.

    One instance serves one scheduler and is called from one thread. `reset` comes before each run.
    """

    name: ClassVar[str]
    sampling: ClassVar[str] = "plain"  # of the request: what the policy's sampler does
    waits: ClassVar[bool] = False  # motion stops while the policy thinks
    trained_lengths: ClassVar[bool] = False  # d and r must lie inside the policy's training range
    ramps: ClassVar[bool] = True  # whether its guidance has a ramp behind the prefix
    streams: ClassVar[bool] = True  # whether a chunk may be joined before all its rows are there

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.parse(options, NoOptions)

    @classmethod
    def parse(cls, options: Mapping[str, Any], model: type[ModelT]) -> ModelT:
        """Options as `model`; raises ConfigError that names the continuation."""
        return parse_model(dict(options), model, f"continuation_options of {cls.name}")

    @property
    def requires(self) -> frozenset[str]:
        """Capabilities that a policy needs to serve it."""
        return needed_for([self.sampling])

    @property
    def sampling_options(self) -> Mapping[str, float]:
        """Settings of `sampling` that go with every request."""
        return {}

    def reset(self) -> None:
        """Forget the run before."""

    def start_tick(self, start: InferenceStart) -> int:
        """Tick that row 0 of the answer is for."""
        return start.tick

    def omega(self, start: InferenceStart) -> NDArray[np.float32]:
        """Guidance (H,) when there is a prefix; without one it is always zero."""
        return np.zeros(start.horizon, dtype=np.float32)

    def answered(self, chunk: ActionChunk, request: ChunkRequest, space: ActionSpace) -> ActionChunk:
        """What is made of an answer before anything else is done with it."""
        return chunk

    def merge(self, timeline: Timeline, chunk: ActionChunk, now: int, space: ActionSpace) -> int:
        """Put `chunk` on the timeline from tick `now` on; returns the rows dropped because they are past."""
        return timeline.splice(chunk, now)


class Guided(Continuation):
    """Base of continuations whose guidance is a prefix and, where it `ramps`, a ramp behind it.

    row        0 ... d-1     d ... d+r-1          d+r ... H-1
    omega      1 ... 1       falling              0 ... 0
    """

    def omega(self, start: InferenceStart) -> NDArray[np.float32]:
        """Ones over d rows, the ramp over r, zeros behind: (H,)."""
        ramp = start.ramp if self.ramps else 0
        return guidance_schedule(start.horizon, start.delay, ramp, self.ramp_kind(start))

    def ramp_kind(self, start: InferenceStart) -> str:
        """Shape of the ramp."""
        return start.ramp_kind


class Mixing(Continuation):
    """Base of continuations that mix a plain answer into what is left, channel by channel.

    tick       o ... now                  old's end     new's end
    old        a ... |--------- old ------|
    new        past  |---------------- new -------------|
    executed         |-- blend(shares) ---|---- new ----|

    As with every splice the new chunk decides where the timeline ends: a shorter one cuts the old. What is mixed must
    be there as a whole, so the parts of a stream are waited for.
    """

    streams = False
    ramps = False
    average_grippers = False

    def shares(self, old: int, new: int) -> NDArray[np.float64]:
        """Share of the new chunk, (min(old, new),) in [0, 1], for `old` rows that are left and `new` that come."""
        raise NotImplementedError

    def merge(self, timeline: Timeline, chunk: ActionChunk, now: int, space: ActionSpace) -> int:
        """Splice, then mix the old rows back in; a chunk that is wholly past changes nothing."""
        old = timeline.rows_from(now)
        dropped = timeline.splice(chunk, now)
        if dropped < chunk.horizon:
            rows = timeline.rows_from(now)
            share = self.shares(len(old), len(rows))
            both = len(share)
            rows[:both] = blend(space, old[:both], rows[:both], share, average_grippers=self.average_grippers)
            timeline.replace(rows, now)
        return dropped
