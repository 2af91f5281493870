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
from segue_scheduler.wire import state_fields


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
    output: TickOutput, stats: Statistics, continuation: str, run_id: str, stamp: Time
) -> SchedulerState:
    """What the scheduler does at one tick."""
    message = SchedulerState(**state_fields(output, stats.starved_ticks, continuation, run_id))
    message.header.stamp = stamp
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
