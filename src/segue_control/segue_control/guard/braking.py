"""How to stop a joint from any state inside all limits, in closed form, for many joints at once.

Motion is in steps of h seconds:  a' = a + jerk h,  v' = v + a' h,  q' = q + v' h.  A plan has two phases:

    acceleration   a ... 0 | 0 -p/m -2p/m ... -p ... -p ... -2p/m -p/m 0
    steps             n0   |         n + m - 1

The first brings the acceleration to zero in equal steps. The second takes the speed v0 that is left with a
trapezoid (two boxes of n and m steps, convolved), scaled so that its area is v0 exactly: p = v0 / (n h). n is
the least number that keeps p inside the acceleration limit, m the number of steps that the jerk limit needs
for the whole acceleration. It is not the shortest stop, but the distance it takes is a formula, x0 + x1:

    x0 = h (n0 v + h a (n0^2 - 1) / 3)       v0 = v + h a (n0 - 1) / 2       x1 = h v0 (n + m - 2) / 2
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_control.robot.limits import JointLimits
from segue_core.arrays import Floats

_ROUNDING = 1e-9  # relative slack, so that a limit met exactly does not cost another step


@dataclass(frozen=True)
class StopPlan:
    """Accelerations that bring every joint to rest; all fields (n,), see the module for their meaning."""

    start: Floats  # acceleration at the start [rad/s^2]
    ease_steps: Floats  # n0
    ramp_steps: Floats  # m
    hold_steps: Floats  # n
    peak: Floats  # p, signed like v0 [rad/s^2]

    def acceleration(self, step: Floats) -> Floats:
        """Acceleration (n,) of each joint at its own step (n,) of the plan, from 1; zero after the last."""
        ease = self.start * (1.0 - step / np.maximum(self.ease_steps, 1.0))
        since = step - self.ease_steps
        left = self.ramp_steps + self.hold_steps - since
        height = np.maximum(
            np.minimum(np.minimum(since, left), np.minimum(self.ramp_steps, self.hold_steps)), 0.0
        )
        return np.where(since <= 0.0, ease, -self.peak * height / self.ramp_steps)


class Braking:
    """Plans stops and judges states for joints with given limits and update period h [s]."""

    def __init__(self, limits: JointLimits, period_s: float) -> None:
        self._limits = limits
        self._period = period_s
        self.jerk_step = limits.jerk * period_s  # largest change of acceleration in one step
        self._ramp = np.maximum(np.ceil(limits.acceleration / self.jerk_step - _ROUNDING), 1.0)
        self._speed_step = limits.acceleration * period_s

    def plan(self, v: Floats, a: Floats) -> StopPlan:
        """The stop of joints that move with speed `v` and acceleration `a`, (n,) each."""
        ease, speed = self._ease(v, a)
        hold = self._hold(speed)
        return StopPlan(a, ease, self._ramp, hold, speed / (hold * self._period))

    def safe(self, q: Floats, v: Floats, a: Floats) -> NDArray[np.bool_]:
        """Whether each state, (..., n), and the whole stop from it are inside the limits."""
        limits, h = self._limits, self._period
        ease, speed = self._ease(v, a)
        end = self._end(q, v, a, ease, speed)
        turn = q + h * ease * v * (
            v * speed < 0.0
        )  # beyond the turning point of a joint that turns while easing
        fast = np.maximum(np.abs(v), np.abs(speed)) <= limits.velocity * (1.0 + _ROUNDING)
        inside = (np.minimum(np.minimum(end, turn), q) >= limits.low) & (
            np.maximum(np.maximum(end, turn), q) <= limits.high
        )
        return np.asarray(fast & inside & (np.abs(a) <= limits.acceleration * (1.0 + _ROUNDING)))

    def rest(self, q: Floats, v: Floats, a: Floats) -> Floats:
        """Where joints in a state, (n,) each, come to rest by the plan that begins there."""
        return self._end(q, v, a, *self._ease(v, a))

    def _end(self, q: Floats, v: Floats, a: Floats, ease: Floats, speed: Floats) -> Floats:
        h = self._period
        eased = h * (ease * v + h * a * (ease * ease - 1.0) / 3.0) * (ease > 0.0)
        return np.asarray(q + eased + 0.5 * h * speed * (self._hold(speed) + self._ramp - 2.0))

    def _ease(self, v: Floats, a: Floats) -> tuple[Floats, Floats]:
        """n0 and the speed v0 after it."""
        ease = np.ceil(np.abs(a) / self.jerk_step - _ROUNDING)
        return ease, v + 0.5 * self._period * a * np.maximum(ease - 1.0, 0.0)

    def _hold(self, speed: Floats) -> Floats:
        return np.maximum(np.ceil(np.abs(speed) / self._speed_step - _ROUNDING), 1.0)
