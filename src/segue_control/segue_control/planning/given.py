"""A trajectory that somebody else planned, as rows of joint positions for this robot: checked, or refused.

given       x--------x-----------x        points with positions, and speeds and accelerations where they have them
rows        |  |  |  |  |  |  |  |  |     one per tick; joints that it does not name stay where they are
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import BPoly, CubicHermiteSpline, PchipInterpolator

from segue_control.robot.limits import JointLimits
from segue_core.arrays import Floats
from segue_core.errors import ControlError, ErrorCode, unknown_name
from segue_core.figures import told_apart

_LONGEST_S = 600.0  # a row per tick is made of it before it begins
START_RAD = 0.1  # how far from the arms its first point may be
_SLACK = 1.05  # a speed a little above the limit is the interpolation's, and the guard's to cut
_AT_REST_RAD_S = 0.01


@dataclass(frozen=True, eq=False)
class Given:
    """Points of m joints: `times` (K,) [s], `positions` (K, m) [rad], `speeds` and `accelerations` (K, m) or None."""

    names: tuple[str, ...]
    times: Floats
    positions: Floats
    speeds: Floats | None = None
    accelerations: Floats | None = None

    def __post_init__(self) -> None:
        shape = (len(self.times), len(self.names))
        for what in ("positions", "speeds", "accelerations"):
            values = getattr(self, what)
            if values is not None and values.shape != shape:
                text = f"trajectory: {what} of its points"
                raise ControlError(ErrorCode.CONTROL_WRONG_SHAPE, text, got=values.shape, expected=shape)
            if values is not None and not np.isfinite(values).all():
                raise ControlError(ErrorCode.CONTROL_NOT_FINITE, f"trajectory: {what} are not finite")
        if len(self.times) and not self.times[-1] <= _LONGEST_S:
            got, most = told_apart(self.times[-1], _LONGEST_S)
            raise ControlError(
                ErrorCode.CONTROL_LIMIT,
                "trajectory: its length",
                got=f"{got} s",
                expected=f"{most} s or less",
            )
        if not len(self.times) or self.times[0] < 0.0 or (np.diff(self.times) <= 0.0).any():
            got = np.array2string(self.times[:5], precision=3)
            text = "trajectory: times of its points"
            raise ControlError(
                ErrorCode.CONTROL_WRONG_SHAPE, text, got=got, expected="one or more, increasing"
            )


def joint_columns(names: Sequence[str], robot_names: Sequence[str]) -> list[int]:
    """Where the named joints are in the robot's order; ConfigError for one that it has not, or that is named twice."""
    for name in names:
        if name not in robot_names:
            raise unknown_name("joint", name, robot_names)
    if len(set(names)) != len(names) or not names:
        raise ControlError(ErrorCode.CONTROL_WRONG_SHAPE, "trajectory: joint names", got=", ".join(names))
    return [robot_names.index(name) for name in names]


def rows_of(
    given: Given, q: Floats, robot_names: Sequence[str], limits: JointLimits, rate_hz: float
) -> Floats:
    """Joint positions (R, n) [rad] at `rate_hz`, from where the arms are, `q` (n,), to the end of the trajectory.

    Raises:
        ControlError: it begins elsewhere, ends in motion, or goes where or as fast as the joints may not.
        ConfigError: it names a joint that the robot has not.
    """
    columns = joint_columns(given.names, robot_names)
    _refuse_motion_at_the_end(given)
    whole = _from_here(given, q[columns])
    count = int(np.ceil(whole.times[-1] * rate_hz - 1e-9)) + 1
    moved = _curve(whole)(np.minimum(np.arange(count) / rate_hz, whole.times[-1]))
    rows = np.tile(q, (count, 1))
    rows[:, columns] = moved
    _check(rows, columns, robot_names, limits, rate_hz)
    return rows


def _refuse_motion_at_the_end(given: Given) -> None:
    if given.speeds is not None and np.abs(given.speeds[-1]).max() > _AT_REST_RAD_S:
        worst = int(np.abs(given.speeds[-1]).argmax())
        got = f"{told_apart(given.speeds[-1][worst], 0.0, 3)[0]} rad/s of {given.names[worst]}"
        raise ControlError(ErrorCode.CONTROL_LIMIT, "trajectory: speed at its end", got=got, expected="rest")


def _from_here(given: Given, q: Floats) -> Given:
    """With a first point at 0 s where the arms are: put before the others, or in place of one that is near enough."""
    rest = np.zeros((1, len(q)))
    if given.times[0] > 0.0:
        grown = [
            None if v is None else np.concatenate([rest, v]) for v in (given.speeds, given.accelerations)
        ]
        positions = np.concatenate([q[None], given.positions])
        return Given(given.names, np.concatenate([[0.0], given.times]), positions, *grown)
    off = np.abs(given.positions[0] - q)
    if off.max() > START_RAD:
        worst = int(off.argmax())
        figure, most = told_apart(off[worst], START_RAD, 3)
        got = f"{figure} rad from {given.names[worst]}"
        raise ControlError(ErrorCode.CONTROL_LIMIT, "trajectory: start", got=got, expected=f"{most} or less")
    return given


def _curve(given: Given) -> Callable[[Floats], Any]:
    """Positions over time: quintic, cubic, or (from positions alone) monotone cubic between the points."""
    times, positions = given.times, given.positions
    if len(times) == 1:
        return lambda at: np.repeat(positions, len(at), axis=0)
    if given.speeds is None:
        curve: Callable[[Floats], Any] = PchipInterpolator(times, positions, axis=0)
    elif given.accelerations is None:
        curve = CubicHermiteSpline(times, positions, given.speeds, axis=0)
    else:
        curve = BPoly.from_derivatives(
            times, np.stack([positions, given.speeds, given.accelerations], axis=1)
        )
    return curve


def _check(
    rows: Floats, columns: list[int], names: Sequence[str], limits: JointLimits, rate_hz: float
) -> None:
    moved, low, high = rows[:, columns], limits.low[columns], limits.high[columns]
    beyond = np.maximum(low - moved, moved - high).max(axis=0)
    if beyond.max() > 1e-6:
        worst = int(beyond.argmax())
        got = f"{told_apart(beyond[worst], 0.0, 3)[0]} rad beyond those of {names[columns[worst]]}"
        raise ControlError(ErrorCode.CONTROL_LIMIT, "trajectory: position limits", got=got)
    speeds = np.abs(np.diff(moved, axis=0)).max(axis=0, initial=0.0) * rate_hz
    allowed = limits.velocity[columns]
    if (speeds > _SLACK * allowed).any():
        worst = int((speeds / allowed).argmax())
        figure, most = told_apart(speeds[worst], allowed[worst], 2)
        got = f"{figure} rad/s of {names[columns[worst]]}"
        raise ControlError(ErrorCode.CONTROL_LIMIT, "trajectory: speed", got=got, expected=f"{most} or less")
