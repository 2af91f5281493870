"""The simulator's clock: counts control steps since the process started; a reset world never sets it back."""

import math
from fractions import Fraction

_NANOSECONDS = 1_000_000_000
_FIRST_SECOND = 1  # ROS takes time 0 for "no clock yet"


class SimClock:
    """Time in whole control steps.

        step    0    1    2    3    4    ...          (120 Hz)
        tick    30   .    .    .    31                (30 Hz, four steps each; starts at one second)

    Args:
        control_rate_hz: steps per second.
        steps_per_tick: control steps per tick of the policy.
    """

    def __init__(self, control_rate_hz: float, steps_per_tick: int) -> None:
        self._rate = Fraction(control_rate_hz).limit_denominator(1000)
        self._steps_per_tick = steps_per_tick
        self._step = round(control_rate_hz * _FIRST_SECOND)

    def advance(self) -> None:
        """One control step has passed."""
        self._step += 1

    @property
    def nanoseconds(self) -> int:
        """Time of this step, rounded up so that flooring it to ticks never falls one short."""
        return math.ceil(self._step * _NANOSECONDS / self._rate)

    @property
    def seconds(self) -> float:
        """Time of this step [s]."""
        return float(self._step / self._rate)

    @property
    def on_tick(self) -> bool:
        """Whether a policy tick starts at this step."""
        return self._step % self._steps_per_tick == 0

    @property
    def next_on_tick(self) -> bool:
        """Whether a policy tick starts at the next step."""
        return (self._step + 1) % self._steps_per_tick == 0

    @property
    def tick(self) -> int:
        """The policy tick that this step belongs to."""
        return self._step // self._steps_per_tick
