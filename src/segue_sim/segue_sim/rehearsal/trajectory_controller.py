"""A joint trajectory controller as ros2_controllers' works: cubics between points, three ways to begin anew.

Every cycle commands where the path is one cycle later. A new trajectory begins

    measured    at the measured state, now
    desired     at the last command, which is thought to have been reached a cycle ago (interpolate_from_desired_state)

and goes from there to its first point that is not over yet. With `splices` (allow_trajectory_replacement) one that
comes while another is followed keeps what the old path still had before its start, a cycle later than it was:

        old   o-----o-----o-----o
        new             |  x--x          start = its stamp, or now when that is over: then everything is late
        both     b--o---+--x--x          b begins, + is where the old path was a cycle before the start

Its path is that of their code (docs/adr/0011), which a test compares. Pure, time is an argument. A trajectory that is
over is held at its last point.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segue_core.arrays import Floats


@dataclass(frozen=True, eq=False)
class Knot:
    """Where the joints are at `time_s`: positions and speeds (n,)."""

    time_s: float
    q: Floats
    v: Floats


class TrajectoryController:
    """Follows what it received last. `q` (n,) is where it begins, at rest; it is asked every `period_s`."""

    def __init__(self, q: Floats, period_s: float, *, splices: bool, from_desired: bool) -> None:
        self._period_s, self._splices, self._from_desired = period_s, splices, from_desired
        self._knots: list[Knot] = []
        self._last = Knot(-np.inf, q, np.zeros_like(q))

    def receive(self, points: Sequence[Knot], start_s: float | None, now_s: float, measured: Knot) -> bool:
        """Takes a trajectory whose times count from `start_s` (now when None); whether it is followed.

        One whose points are all past is not.
        """
        start = now_s if start_s is None else start_s
        if start + points[-1].time_s < now_s:
            return False
        kept: list[Knot] = []
        if self._splices and self._knots:
            start = max(start, now_s)
            kept = self._kept(start, now_s)
        begin = self._last if self._from_desired else Knot(now_s, measured.q, measured.v)
        self._knots = [begin, *kept, *(Knot(start + p.time_s, p.q, p.v) for p in points)]
        return True

    def sample(self, now_s: float) -> tuple[Floats, Floats]:
        """Positions and speeds (n,) to be at one cycle from now: the command of this cycle."""
        ahead = (
            self._path(now_s + self._period_s) if self._knots else (self._last.q, np.zeros_like(self._last.q))
        )
        self._last = Knot(now_s, *ahead)
        return ahead

    def _path(self, at_s: float) -> tuple[Floats, Floats]:
        after = next((i for i, knot in enumerate(self._knots) if knot.time_s > at_s), None)
        if after is None:
            last = self._knots[-1]
            return last.q, np.zeros_like(last.q)
        return _cubic(self._knots[max(0, after - 1)], self._knots[after], at_s)

    def _kept(self, start_s: float, now_s: float) -> list[Knot]:
        """What the old path had between now and the start. It is looked at a cycle back, and put where now is."""
        back = self._period_s
        ahead = [knot for knot in self._knots[1:] if now_s - back < knot.time_s < start_s - back]
        entry = Knot(start_s, *self._path(start_s - back))
        return [*(Knot(knot.time_s + back, knot.q, knot.v) for knot in ahead), entry]


def _cubic(a: Knot, b: Knot, at_s: float) -> tuple[Floats, Floats]:
    """Hermite between two knots."""
    span = b.time_s - a.time_s
    if not 0 < span < np.inf:
        return a.q, np.zeros_like(a.q)
    s = (at_s - a.time_s) / span
    jump = b.q - a.q
    c2 = 3 * jump - span * (2 * a.v + b.v)
    c3 = span * (a.v + b.v) - 2 * jump
    q = a.q + s * span * a.v + s**2 * c2 + s**3 * c3
    return q, a.v + (2 * s * c2 + 3 * s**2 * c3) / span
