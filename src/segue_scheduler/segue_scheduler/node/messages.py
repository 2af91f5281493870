"""The scheduler's own types to and from segue_interfaces messages."""

from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time

from segue_interfaces.msg import ActionChunk as ActionChunkMsg
from segue_interfaces.msg import SchedulerInput, SchedulerState, TaskState
from segue_ros import conversions
from segue_scheduler.statistics import Statistics
from segue_scheduler.tick import TickInput, TickOutput
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
