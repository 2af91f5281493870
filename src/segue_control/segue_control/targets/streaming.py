"""From one target per tick to a smooth path: C2 across ticks, across chunks, and whenever targets come.

`SplineStream`: no overshoot, two ticks behind. The path is the uniform cubic B-spline whose control points are the
targets. Every target that arrives starts one segment, from wherever the path is to the spline's next knot, as the
quintic that matches position, velocity and acceleration at both ends:

    targets   a[k-2]     a[k-1]     a[k]           position      (a[k-2] + 4 a[k-1] + a[k]) / 6
    path         ----------|====segment====>|      velocity      (a[k] - a[k-2]) / (2 T)
    time                 tick k          tick k+1  acceleration  (a[k-2] - 2 a[k-1] + a[k]) / T^2

When targets come exactly on their ticks the quintic is the cubic of the spline. When one is early or late the
path bends a little but stays C2; when none comes the last one is repeated, so the path comes to rest on it
within two ticks.

`QuinticStream`: meets every target, one tick behind, with larger accelerations and some overshoot when the targets
turn. Its segments end where the newest target is, as fast as the last two were apart:

    end of segment       position a[k]      velocity (a[k] - a[k-1]) / T      acceleration 0
"""

from collections.abc import Callable

import numpy as np

from segue_control.robot.poses import ToolPoses
from segue_core.arrays import Floats

_TIME_TOLERANCE = 1e-9  # in ticks: a segment that ends this early is still the present one
# Coefficients c3, c4, c5 of p(u) = sum c_i u^i that meet the end conditions, given what c0, c1, c2 leave open
# in position, velocity and acceleration at u = 1.
_QUINTIC = np.linalg.inv(np.array([[1.0, 1.0, 1.0], [3.0, 4.0, 5.0], [6.0, 12.0, 20.0]]))
_KNOT = (
    np.array([[1.0, 4.0, 1.0], [-3.0, 0.0, 3.0], [6.0, -12.0, 6.0]]) / 6.0
)  # value and derivatives per tick
_MEET = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 1.0], [0.0, 0.0, 0.0]])  # the same for `QuinticStream`
_ORDERS = np.arange(6)


class SplineStream:
    """C2 path of a vector (n,) along a stream of control points, one per tick; time is counted in ticks."""

    end_conditions = _KNOT
    """Position, velocity and acceleration (3, n) at a segment's end, from the three newest control points (3, n)."""

    def __init__(self, start: Floats) -> None:
        self._points = np.tile(start, (3, 1))  # newest last
        self._assumed = False  # the newest point is a repetition, made because no target came
        self._coefficients = np.zeros((6, start.size))
        self._coefficients[0] = start
        self._elapsed = 0.0

    @property
    def newest(self) -> Floats:
        """The last control point, (n,)."""
        return np.asarray(self._points[2])

    def push(self, point: Floats) -> None:
        """Starts the segment of a new control point (n,) at the present place of the path."""
        if not self._assumed:
            self._points[:2] = self._points[1:]
        self._points[2] = point
        self._assumed = False
        self._plan()

    def advance(self, ticks: float) -> Floats:
        """Moves `ticks` along the path and returns the point there, (n,)."""
        while self._elapsed + ticks > 1.0 + _TIME_TOLERANCE:
            ticks -= 1.0 - self._elapsed
            self._elapsed = 1.0
            self._repeat_last()
        self._elapsed += ticks
        return np.asarray(self._powers(self._elapsed) @ self._coefficients)

    def _repeat_last(self) -> None:
        self._points[:2] = self._points[1:]
        self._assumed = True
        self._plan()

    def _plan(self) -> None:
        u = self._elapsed
        value = self._powers(u) @ self._coefficients
        slope = (_ORDERS * u ** np.maximum(_ORDERS - 1, 0)) @ self._coefficients
        bend = (_ORDERS * (_ORDERS - 1) * u ** np.maximum(_ORDERS - 2, 0)) @ self._coefficients
        open_ = self.end_conditions @ self._points - np.array(
            [value + slope + 0.5 * bend, slope + bend, bend]
        )
        self._coefficients[:3] = value, slope, 0.5 * bend
        self._coefficients[3:] = _QUINTIC @ open_
        self._elapsed = 0.0

    @staticmethod
    def _powers(u: float) -> Floats:
        return np.array([1.0, u, u * u, u**3, u**4, u**5])


class QuinticStream(SplineStream):
    """C2 path of a vector (n,) through its control points, one tick late."""

    end_conditions = _MEET


STREAMS: dict[str, Callable[[Floats], SplineStream]] = {"b_spline": SplineStream, "quintic": QuinticStream}
"""Streams by the names that a robot contract gives them."""


class TickInterpolator:
    """C2 path of all tool poses through the targets of successive ticks.

    Orientations travel as quaternions on the spline, each on the hemisphere of the one before, and are normalised
    at the end: C2 on SO(3), and the same in every frame.
    """

    def __init__(self, start: ToolPoses, stream: Callable[[Floats], SplineStream] = SplineStream) -> None:
        self._arms = len(start.positions)
        self._stream = stream(self._flat(start.positions, start.quaternions))

    def push(self, target: ToolPoses) -> None:
        """Adds the target of the tick that begins now."""
        before = self._stream.newest[3 * self._arms :].reshape(self._arms, 4)
        signs = np.where((before * target.quaternions).sum(axis=1) < 0.0, -1.0, 1.0)
        self._stream.push(self._flat(target.positions, target.quaternions * signs[:, None]))

    def advance(self, ticks: float) -> ToolPoses:
        """Moves a fraction of a tick along the path and returns the poses there."""
        flat = self._stream.advance(ticks)
        quaternions = flat[3 * self._arms :].reshape(self._arms, 4)
        lengths = np.sqrt((quaternions * quaternions).sum(axis=1, keepdims=True))
        return ToolPoses(flat[: 3 * self._arms].reshape(self._arms, 3), quaternions / lengths)

    @staticmethod
    def _flat(positions: Floats, quaternions: Floats) -> Floats:
        return np.concatenate([positions.ravel(), quaternions.ravel()])
