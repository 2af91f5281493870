"""What a tick of the scheduler is called in messages, as `segue_core.wire` has it for chunks: for node and bags."""

from collections.abc import Iterator
from math import isfinite
from typing import Any

import numpy as np

from segue_core.errors import ErrorCode, SchedulerError
from segue_core.wire import chunk_of, correction_of, task_state_of
from segue_scheduler.replay import Joint, Witness
from segue_scheduler.tick import Estimate, TickInput, TickOutput

_SAYS_DONE = ("policy_stop", "progress_threshold")
"""Rules by which a task ends because its policy says so."""


def input_fields(inputs: TickInput, run_id: str) -> dict[str, Any]:
    """Fields of segue_interfaces/SchedulerInput, all but header, chunks and task, which are messages themselves."""
    return {
        "run_id": run_id,
        "tick": inputs.tick,
        "measured": np.ascontiguousarray(inputs.measured, dtype=np.float64),
        "failures": list(inputs.failures),
        "has_task": inputs.task is not None,
        "stop_requested": inputs.stop_requested,
    }


def input_of(message: Any) -> TickInput:
    """What the scheduler was given at one tick, bit by bit; raises SchedulerError as `chunk_of` and `task_state_of`."""
    return TickInput(
        tick=int(message.tick),
        measured=np.array(message.measured, dtype=np.float64),
        chunks=tuple(chunk_of(chunk) for chunk in message.chunks),
        failures=tuple(str(text) for text in message.failures),
        task=task_state_of(message.task) if message.has_task else None,
        stop_requested=bool(message.stop_requested),
    )


def witness_of(state: Any, command: Any) -> Witness:
    """What was published at one tick, from its SchedulerState and RobotCommand."""
    joint = Joint(
        int(state.chunk_sequence),
        int(state.chunk_start_tick),
        int(state.delay_ticks),
        int(state.dropped_rows),
        float(state.jump),
    )
    action = np.asarray(command.action, dtype=np.float64)
    spliced = joint if state.spliced else None
    return Witness(action, str(state.phase), bool(state.starved), spliced, correction_of(command))


def progress_fields(inputs: TickInput, output: TickOutput, policy: str) -> Iterator[dict[str, Any]]:
    """Fields of the segue_interfaces/Progress messages of one tick, all but the header.

    `policy` is told of at every tick once it has predicted some. Of an estimator it is told what was taken in at this
    tick, which a replay takes in again, and then, with `done`, that the task ends by it.
    """
    done = output.outcome is not None and output.outcome.rule in _SAYS_DONE
    if inputs.estimate is not None:
        yield _progress(output.tick, inputs.estimate.source, inputs.estimate.progress, done=False)
    if output.progress is not None and (done or not output.estimator):
        yield _progress(output.tick, output.estimator or policy, output.progress, done)


def _progress(tick: int, source: str, progress: float, done: bool) -> dict[str, Any]:
    return {"tick": tick, "source": source, "progress": float(progress), "done": done}


def estimate_of(message: Any) -> Estimate:
    """What a progress estimator says, or was recorded to have said.

    Raises:
        SchedulerError: SCHEDULER_BAD_INPUT, progress that is not in [0, 1], or nobody who says it.
    """
    progress = float(message.progress)
    if not (isfinite(progress) and 0.0 <= progress <= 1.0):
        text, expected = "estimated progress", "a number in [0, 1]"
        raise SchedulerError(ErrorCode.SCHEDULER_BAD_INPUT, text, got=progress, expected=expected)
    if not message.source:
        text = "estimated progress without a source"
        raise SchedulerError(ErrorCode.SCHEDULER_BAD_INPUT, text, expected="the estimator's name")
    return Estimate(str(message.source), progress)


def state_fields(output: TickOutput, starved_ticks: int, continuation: str, run_id: str) -> dict[str, Any]:
    """Fields of segue_interfaces/SchedulerState, all but the header. A seam without a chunk before overlaps by NaN."""
    fields: dict[str, Any] = {
        "run_id": run_id,
        "tick": output.tick,
        "phase": str(output.phase),
        "continuation": continuation,
        "starved": output.starved,
        "starved_ticks": starved_ticks,
        "remaining_ticks": output.remaining,
        "expected_delay_ticks": output.delay,
        "action_age_ticks": -1 if output.age is None else output.age,
        "request_pending": output.unanswered is not None,
        "request_sequence": output.unanswered or 0,
    }
    if seam := output.seam:
        fields |= {
            "spliced": True,
            "chunk_sequence": seam.sequence,
            "chunk_start_tick": seam.tick - seam.dropped_rows,
            "delay_ticks": seam.delay,
            "dropped_rows": seam.dropped_rows,
            "overlap_rmse": float("nan") if seam.overlap_rmse is None else seam.overlap_rmse,
            "jump": seam.jump,
        }
    if outcome := output.outcome:
        fields |= {"success": outcome.success, "rule": outcome.rule, "reason": outcome.reason}
        fields |= {"error_code": int(outcome.code), "error_text": outcome.reason if outcome.code else ""}
    return fields
