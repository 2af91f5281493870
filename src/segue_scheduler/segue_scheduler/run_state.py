"""What the scheduler remembers between the start of a run and its outcome."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segue_core.chunk import ActionChunk
from segue_core.policy import ChunkRequest
from segue_core.scheduler_config import SchedulerConfig
from segue_scheduler.delay import DelayEstimator
from segue_scheduler.splice import Timeline
from segue_scheduler.statistics import Statistics
from segue_scheduler.tick import Outcome


@dataclass(frozen=True, eq=False)
class Answer:
    """A chunk that was accepted, the request that it answers, and the tick at which that was sent."""

    chunk: ActionChunk
    request: ChunkRequest
    asked_at: int


@dataclass(eq=False)
class RunState:
    """One run.

    Args:
        held: last command (D,), at first the pose measured at the start.
        timeline: rows to execute.
        delays: estimate for the next request.
        last_tick: tick of the last step.
        pending: accepted, but not usable yet.
        streamed: newest part of an answer of which more is to come.
        current: chunk that was spliced in last, dated as it is executed.
        observed_at: tick of the observation behind `current`.
        last_start: tick that the next stride is counted from.
        moved_at: tick of the last command that was a row of a chunk.
        estimator: whose estimates are believed instead of the policy's predictions, if one has spoken.
    """

    start_tick: int
    held: NDArray[np.float64]
    timeline: Timeline
    delays: DelayEstimator
    last_tick: int
    stats: Statistics = field(default_factory=Statistics)
    pending: Answer | None = None
    streamed: ActionChunk | None = None
    current: ActionChunk | None = None
    observed_at: int = 0
    last_start: int = 0
    moved_at: int | None = None
    starved_in_a_row: int = 0
    progress: float | None = None
    estimator: str = ""
    outcome: Outcome | None = None
    notes: list[str] = field(default_factory=list)


def new_run(config: SchedulerConfig, tick: int, measured: NDArray[np.float64]) -> RunState:
    """State at the start of a run, at `tick` with the state `measured` (D,)."""
    delays = DelayEstimator(config.delay, config.buffer, config.warmup)
    return RunState(tick, measured, Timeline(len(measured)), delays, last_tick=tick - 1)
