"""When a run has to be given up: the same thing went wrong too often in a row."""

from segue_core.durations import whole_ticks
from segue_core.errors import ErrorCode
from segue_core.scheduler_config import SchedulerConfig
from segue_scheduler.ledger import RequestLedger
from segue_scheduler.tick import Outcome


def give_up(
    config: SchedulerConfig, rate_hz: float, ledger: RequestLedger, starved: int, notes: list[str]
) -> Outcome | None:
    """The fault outcome once a configured count or time is reached; the last note says what happened last."""
    most_starved = whole_ticks(config.max_starved_s, rate_hz)
    counts = (
        (starved, most_starved, ErrorCode.SCHEDULER_STARVED, "starved ticks"),
        (ledger.refused_in_a_row, config.max_bad_chunks, ErrorCode.SCHEDULER_BAD_CHUNKS, "refused chunks"),
        (
            ledger.failed_in_a_row,
            config.max_failed_requests,
            ErrorCode.SCHEDULER_REQUESTS_FAILED,
            "failed requests",
        ),
    )
    for count, limit, code, what in counts:
        if count >= limit:
            detail = f": {notes[-1]}" if notes else ""
            return Outcome(False, "fault", f"{count} {what} in a row{detail}", code)
    return None
