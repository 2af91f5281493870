"""A joint trajectory controller as ros2_controllers describe theirs: cubics between points, two ways to begin anew.

    splicing (allow_trajectory_replacement): the old path up to the new start, then the new points

        old   o-----o-----o-----o
        new             |  x--x          start = its stamp, or now
        both  o-----o---+--x--x          + is the old path's state at the start

    otherwise: from the measured state (or the last command, with interpolate_from_desired_state), at once

Written from their documentation; pure, time is an argument. A trajectory that is over is held at its last point.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Knot:
    """Where the joints are at `time_s`: positions and speeds (n,)."""

    time_s: float
    q: Array
    v: Array


class TrajectoryController:
    """Follows what it received last. `q` (n,) is where it begins, at rest."""

    def __init__(self, q: Array, *, splices: bool, from_desired: bool) -> None:
        self._splices, self._from_desired = splices, from_desired
        self._knots = [Knot(-np.inf, q, np.zeros_like(q))]

    def receive(self, points: Sequence[Knot], start_s: float | None, now_s: float, measured: Knot) -> bool:
        """Takes a trajectory whose times count from `start_s` (now when None); whether it is followed.

        One whose points are all past is not.
        """
        start = now_s if start_s is None else start_s
        ahead = [Knot(start + p.time_s, p.q, p.v) for p in points if start + p.time_s > now_s]
        if not ahead:
            return False
        start = max(start, now_s)
        self._knots = [*self._kept(start, now_s, measured), *ahead]
        return True

    def sample(self, now_s: float) -> tuple[Array, Array]:
        """Positions and speeds (n,) to be at now."""
        after = next((i for i, knot in enumerate(self._knots) if knot.time_s > now_s), None)
        if after is None:
            last = self._knots[-1]
            return last.q, np.zeros_like(last.q)
        if after == 0:
            return self._knots[0].q, self._knots[0].v
        return _cubic(self._knots[after - 1], self._knots[after], now_s)

    def _kept(self, start_s: float, now_s: float, measured: Knot) -> list[Knot]:
        if not self._splices:
            begin = self.sample(now_s) if self._from_desired else (measured.q, measured.v)
            return [Knot(now_s, *begin)]
        before = [knot for knot in self._knots if knot.time_s < start_s]
        recent = [knot for knot in before if knot.time_s > now_s]
        return [*before[: len(before) - len(recent)][-1:], *recent, Knot(start_s, *self.sample(start_s))]


def _cubic(a: Knot, b: Knot, now_s: float) -> tuple[Array, Array]:
    """Hermite between two knots; holds `a` where it has no beginning."""
    if not np.isfinite(a.time_s):
        return a.q, np.zeros_like(a.q)
    span = b.time_s - a.time_s
    s = (now_s - a.time_s) / span
    jump = b.q - a.q
    c2 = 3 * jump - span * (2 * a.v + b.v)
    c3 = span * (a.v + b.v) - 2 * jump
    q = a.q + s * span * a.v + s**2 * c2 + s**3 * c3
    return q, a.v + (2 * s * c2 + 3 * s**2 * c3) / span
