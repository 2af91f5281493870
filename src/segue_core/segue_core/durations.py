"""From times to ticks: a limit means the same time on every robot, whatever its rate. Pure."""

from math import floor

_ROUNDING = 1e-9  # 0.1 s at 30 Hz is 3 ticks


def whole_ticks(time_s: float, rate_hz: float) -> int:
    """The ticks that fit into a time, at least one."""
    return max(1, floor(time_s * rate_hz + _ROUNDING))
