"""The scheduler's own types as segue_interfaces messages."""

from collections.abc import Sequence

from builtin_interfaces.msg import Time

from segue_interfaces.msg import ActionChunk as ActionChunkMsg
from segue_interfaces.msg import SchedulerInput, SchedulerState, TaskState
from segue_ros.conversions import build
from segue_scheduler.statistics import Statistics
from segue_scheduler.tick import TickInput, TickOutput
from segue_scheduler.wire import input_fields, state_fields


def input_to_msg(
    inputs: TickInput, chunks: Sequence[ActionChunkMsg], task: TaskState | None, run_id: str, stamp: Time
) -> SchedulerInput:
    """What the scheduler was given for one tick; `chunks` and `task` are the messages that `inputs` was made from."""
    fields = (
        input_fields(inputs, run_id) | {"chunks": list(chunks)} | ({} if task is None else {"task": task})
    )
    return build(SchedulerInput, stamp, fields)


def state_to_msg(
    output: TickOutput, stats: Statistics, continuation: str, run_id: str, stamp: Time
) -> SchedulerState:
    """What the scheduler does at one tick."""
    return build(SchedulerState, stamp, state_fields(output, stats.starved_ticks, continuation, run_id))
