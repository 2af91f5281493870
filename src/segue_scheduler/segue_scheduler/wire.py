"""What a tick of the scheduler is called in messages, for the ROS node and for recordings made in lockstep."""

from typing import Any

from segue_scheduler.tick import TickOutput


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
