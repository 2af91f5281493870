"""Faults of a machine that had no time for its controllers or its policy, and what to do about them."""

from typing import Final

from segue_core.errors import ErrorCode

LATE: Final = frozenset({
    ErrorCode.CONTROL_OVERRUN, ErrorCode.CONTROL_COMMAND_STALE, ErrorCode.CONTROL_STATE_STALE,
    ErrorCode.STATE_MISSING, ErrorCode.SCHEDULER_STARVED, ErrorCode.SCHEDULER_REQUESTS_FAILED,
})  # fmt: skip
_EVERYWHERE: Final = "See what else takes the cores (top -o %CPU), end it, or give Segue more of them."
_SIMULATED: Final = (
    "Let simulated time pass slower: real_time_factor:=0.5.",
    "After clock:=wall leave that out: by default (clock:=waiting) simulated time waits for whoever is late.",
)
_REAL: Final = (
    "Run the policy on another machine: segue run --remote-policy, docs/two-machines.md.",
    "Give the controllers real-time priority, and keep cameras and recording off their core: docs/control.md.",
)


def is_late(code: int) -> bool:
    """Whether an error code says that somebody was late, or silent for so long that being late explains it."""
    return code in LATE


def late_advice(real: bool) -> tuple[str, ...]:
    """What a person can do, one sentence each; `real`: the wall clock rules, nothing can wait."""
    return (_EVERYWHERE, *(_REAL if real else _SIMULATED))
