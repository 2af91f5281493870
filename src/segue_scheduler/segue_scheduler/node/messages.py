"""The scheduler's own types to and from segue_interfaces messages."""

from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time

from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_interfaces.action import PredictChunk
from segue_interfaces.msg import ActionChunk as ActionChunkMsg
from segue_interfaces.msg import SchedulerInput, SchedulerState, TaskState
from segue_ros import conversions
from segue_scheduler.statistics import Statistics
from segue_scheduler.tick import ChunkRequest, TickInput, TickOutput


def input_to_msg(
    inputs: TickInput, chunks: Sequence[ActionChunkMsg], task: TaskState | None, run_id: str, stamp: Time
) -> SchedulerInput:
    """What the scheduler was given for one tick; `chunks` and `task` are the messages that `inputs` was made from."""
    message = SchedulerInput(run_id=run_id, tick=inputs.tick, failures=list(inputs.failures))
    message.header.stamp = stamp
    message.measured = conversions.float64_array(inputs.measured)
    message.chunks = list(chunks)
    message.has_task = task is not None
    if task is not None:
        message.task = task
    message.stop_requested = inputs.stop_requested
    return message


def input_from_msg(message: SchedulerInput) -> TickInput:
    """The same input again, bit by bit."""
    return TickInput(
        tick=int(message.tick),
        measured=np.array(message.measured, dtype=np.float64),
        chunks=tuple(conversions.chunk_from_msg(chunk) for chunk in message.chunks),
        failures=tuple(message.failures),
        task=conversions.task_state_from_msg(message.task) if message.has_task else None,
        stop_requested=bool(message.stop_requested),
    )


def state_to_msg(
    output: TickOutput, stats: Statistics, continuation: str, run_id: str, pending: int | None, stamp: Time
) -> SchedulerState:
    """What the scheduler does at one tick; `pending` is the number of the unanswered request, if there is one."""
    message = SchedulerState(
        run_id=run_id, tick=output.tick, phase=str(output.phase), continuation=continuation
    )
    message.header.stamp = stamp
    message.starved, message.starved_ticks = output.starved, stats.starved_ticks
    message.remaining_ticks, message.expected_delay_ticks = output.remaining, output.delay
    message.action_age_ticks = -1 if output.age is None else output.age
    message.request_pending, message.request_sequence = pending is not None, pending or 0
    if output.seam:
        seam = output.seam
        message.spliced, message.chunk_sequence = True, seam.sequence
        message.chunk_start_tick = seam.tick - seam.dropped_rows
        message.delay_ticks, message.dropped_rows = seam.delay, seam.dropped_rows
        message.overlap_rmse, message.jump = seam.overlap_rmse or 0.0, seam.jump
    if output.outcome:
        outcome = output.outcome
        message.success, message.rule, message.reason = outcome.success, outcome.rule, outcome.reason
        message.error_code = int(outcome.code)
        message.error_text = outcome.reason if outcome.code else ""
    return message


def goal_of(request: ChunkRequest, *, kind: str, reset: bool, instruction: str) -> PredictChunk.Goal:
    """The PredictChunk goal of a request. The observation stays with the policy node."""
    unsent = Observation(request.start_tick, np.zeros(0, dtype=np.float32), {})
    full = PredictRequest(
        observation=unsent,
        start_tick=request.start_tick,
        sequence=request.sequence,
        method=request.method,
        omega=request.omega,
        reference=request.reference,
        delay=request.delay,
        seed=request.seed,
        options=request.options,
        instruction=instruction,
    )
    ramp = int(np.count_nonzero((request.omega > 0) & (request.omega < 1)))
    return conversions.goal_to_msg(full, ramp=ramp, kind=kind, reset=reset)
