"""Between control ticks and ROS time: tick k is at k / rate seconds of the run's clock."""

import math

from builtin_interfaces.msg import Time

_AHEAD_S = 1.0
_SECONDS = (-(2**31), 2**31 - 1)  # that a stamp can hold
_EARLY_TICKS = 0.01  # stamps are rounded to nanoseconds and may lie that little before their tick


def tick_of(time_ns: int, rate_hz: float) -> int:
    """The tick that `time_ns` belongs to: the last one that has begun.

    33333333 ns at 30 Hz is tick 1; the time before 0 belongs to tick -1.
    """
    return math.floor(time_ns * 1e-9 * rate_hz + _EARLY_TICKS)


def nearest_tick(time_ns: int, rate_hz: float) -> int:
    """The tick whose time is nearest to `time_ns`."""
    return round(time_ns * 1e-9 * rate_hz)


def is_ahead(tick: int, now_ns: int, rate_hz: float) -> bool:
    """Whether a tick that somebody tells is more than a second in the future: then it is no observation of anything.

    A clock that has not been heard yet (0) cannot tell.
    """
    return now_ns > 0 and tick > tick_of(now_ns, rate_hz) + rate_hz * _AHEAD_S


def time_of(tick: int, rate_hz: float) -> int:
    """Time of a tick [ns]."""
    return round(tick * 1e9 / rate_hz)


def stamp_of(tick: int, rate_hz: float) -> Time:
    """Time of a tick as a message stamp."""
    return stamp(time_of(tick, rate_hz))


def stamp(time_ns: int) -> Time:
    """A message stamp from nanoseconds; a time that no stamp can hold becomes the nearest second that one can."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    held = min(max(seconds, _SECONDS[0]), _SECONDS[1])
    return Time(sec=held, nanosec=rest if held == seconds else 0)


def nanoseconds(time: Time) -> int:
    """Nanoseconds of a message stamp."""
    return int(time.sec) * 1_000_000_000 + int(time.nanosec)
