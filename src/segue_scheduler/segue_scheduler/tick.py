"""What goes into the chunk scheduler and comes out of it, once per tick."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_core.chunk import ActionChunk
from segue_core.errors import ErrorCode
from segue_core.policy import ChunkRequest
from segue_core.task_state import TaskState
from segue_core.text_enum import TextEnum


class Phase(TextEnum):
    """What the scheduler is doing."""

    IDLE = "idle"  # not started
    WAITING = "waiting"  # for the first chunk; the pose measured at the start is held
    RUNNING = "running"  # executing rows
    HOLDING = "holding"  # repeating the last action: starved, or `synchronous` thinking
    PAUSED = "paused"  # a person has the robot; nothing is commanded from here (the node's, never the core's)
    FINISHED = "finished"  # the outcome is set; holding until the next start


@dataclass(frozen=True)
class Estimate:
    """What a progress estimator beside the policy says: its name, and the fraction that is done in [0, 1]."""

    source: str
    progress: float


@dataclass(frozen=True, eq=False)
class TickInput:
    """Everything that arrived since the tick before. Feeding the same inputs again gives the same commands.

    Args:
        tick: control tick, larger than the last one; skipped ticks count as passed.
        measured: measured state (D,) in the action space.
        chunks: answers, in order of arrival.
        failures: one sentence per failed request.
        task: latest word of the task detector, if there is one.
        stop_requested: an operator wants the task to end.
        estimate: newest word of a progress estimator, if one came. From the first one on the policy's own predictions
            are no evidence any more.
    """

    tick: int
    measured: NDArray[np.float64]
    chunks: tuple[ActionChunk, ...] = ()
    failures: tuple[str, ...] = ()
    task: TaskState | None = None
    stop_requested: bool = False
    estimate: Estimate | None = None


@dataclass(frozen=True)
class SeamReport:
    """How a chunk joined the one before it.

    Args:
        sequence: the chunk's number.
        tick: first tick that it commands.
        delay: ticks between the observation and that tick.
        claimed_delay: delay that the chunk was asked for with.
        dropped_rows: rows that were already in the past, hence never executed.
        overlap_rmse: Legato A.7 over the rows that both chunks speak about; None for a first chunk.
        jump: step between what the old chunk (or the hold) and the new one say for `tick`. The first chunk's, from
            standing still, is in no mean of seam jumps.
        overlap_motion: overlap RMSE without the grippers, whose 0 to 1 drowns metres and radians.
    """

    sequence: int
    tick: int
    delay: int
    claimed_delay: int
    dropped_rows: int
    overlap_rmse: float | None
    jump: float
    overlap_motion: float | None = None


@dataclass(frozen=True)
class Outcome:
    """Why the task is over. `code` is OK unless the scheduler gave up (rule "fault")."""

    success: bool
    rule: str
    reason: str
    code: ErrorCode = ErrorCode.OK


@dataclass(frozen=True, eq=False)
class TickOutput:
    """One command and what the scheduler knows about it.

    Args:
        action: command (D,) for this tick.
        starved: there was no row for this tick although there should have been.
        request: send this to the policy now.
        seam: a chunk was spliced in at this tick.
        outcome: set from the tick that ends the task on.
        remaining: rows left after this tick.
        delay: ticks that the next request will claim.
        progress: latest progress that the policy, or an estimator beside it, predicted.
        estimator: name of that estimator; empty while only the policy has spoken.
        age: ticks since the observation behind this action; None while nothing is executed.
        row, rows: index of this action in its chunk, and rows of that; None and 0 while nothing is executed.
        correction: (D,), what a corrector added, part of `action`; None without a corrector.
        unanswered: sequence number of the request that has no answer yet.
        notes: sentences for the log, such as a shortened ramp or a refused chunk.
    """

    tick: int
    action: NDArray[np.float64]
    phase: Phase
    starved: bool = False
    request: ChunkRequest | None = None
    seam: SeamReport | None = None
    outcome: Outcome | None = None
    remaining: int = 0
    delay: int = 0
    progress: float | None = None
    estimator: str = ""
    age: int | None = None
    row: int | None = None
    rows: int = 0
    correction: NDArray[np.float64] | None = None
    unanswered: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def hold(self) -> bool:
        """Whether the robot is to stay where it is: it waits for a first chunk, or has finished."""
        return self.outcome is not None or self.phase in (Phase.WAITING, Phase.FINISHED)
