"""Smoothness and seam metrics (Legato, App. D). Smaller is smoother for all of them."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import ArrayLike

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.arrays import Floats
from segue_core.blending import difference
from segue_core.errors import ErrorCode, SchedulerError

STILL_SPEED = 1e-9  # peak speed [m/s or rad/s] below which a trajectory has no shape to judge
_POSE_KINDS = (ChannelKind.POSITION, ChannelKind.ROTATION_VECTOR, ChannelKind.QUATERNION)


def nsparc_speed(
    speed: ArrayLike, rate_hz: float, padlevel: int = 4, cutoff_hz: float = 10.0, threshold: float = 0.05
) -> float:
    """Negative spectral arc length of a speed profile (T,), cut off as Legato (A.1-A.4) has it.

    The magnitude spectrum, normalised by its largest value (DC, as a speed is never negative), is measured from 0 to
    the first frequency at which it falls below `threshold`, at most `cutoff_hz`. NaN when nothing moves.

        magnitude          1.0 0.9 0.5 0.04 0.02 0.07 0.03 ... cutoff_hz      (threshold 0.05)
        nsparc              |------------|
        sparc_reference     |----------------------|
    """

    def cut(magnitude: Floats) -> int:
        below = np.flatnonzero(magnitude < threshold)
        return int(below[0]) if below.size else len(magnitude) - 1

    return _arc_length(speed, rate_hz, padlevel, cutoff_hz, cut)


def sparc_reference_speed(
    speed: ArrayLike, rate_hz: float, padlevel: int = 4, cutoff_hz: float = 10.0, threshold: float = 0.05
) -> float:
    """As `nsparc_speed`, measured to the last frequency that reaches `threshold`.

    So does the code of Balasubramanian et al. 2015. Pauses between strokes make side lobes, which only this one counts:
    it grows with the length of an episode.
    """

    def cut(magnitude: Floats) -> int:
        return int(np.flatnonzero(magnitude >= threshold)[-1])

    return _arc_length(speed, rate_hz, padlevel, cutoff_hz, cut)


def nsparc(
    positions: ArrayLike, rate_hz: float, padlevel: int = 4, cutoff_hz: float = 10.0, threshold: float = 0.05
) -> float:
    """NSPARC of the speed of a path (T, n), sampled at `rate_hz`; see `nsparc_speed`."""
    return nsparc_speed(_speed(positions, rate_hz), rate_hz, padlevel, cutoff_hz, threshold)


def sparc_reference(
    positions: ArrayLike, rate_hz: float, padlevel: int = 4, cutoff_hz: float = 10.0, threshold: float = 0.05
) -> float:
    """The same of a path (T, n) with the cut-off of `sparc_reference_speed`; positive, as NSPARC is."""
    return sparc_reference_speed(_speed(positions, rate_hz), rate_hz, padlevel, cutoff_hz, threshold)


def nldlj(positions: ArrayLike, rate_hz: float, connections: Iterable[int] = ()) -> float:
    """Negative log jerk of a path (T, n), as Legato A.5 prints it: ln(T^5 / v_peak^2 * integral |jerk|^2 dt).

    `connections` are the indices at which a new chunk takes over; jerk samples across them are left out:

        position      p0  p1  p2  p3 | p4  p5 ...        connection 4
        velocity      0..1 1..2 2..3 3..4 4..5           sample 3 reaches across: it is not the peak
        jerk sample   0..3 1..4 2..5 3..6 4..7           samples 1, 2, 3 reach across: left out

    So the size of the jump at a connection changes nothing; `seam_jump` has it. NaN when nothing moves, or when every
    sample reaches across a connection; minus infinity when the jerk is exactly zero.
    """
    return _log_jerk(_velocity(positions, rate_hz), rate_hz, connections, power=5)


def nldlj_dimensionless(positions: ArrayLike, rate_hz: float, connections: Iterable[int] = ()) -> float:
    """As `nldlj` with T^3 in place of T^5, hence free of units (ln 204.8 for a minimum-jerk reach)."""
    return _log_jerk(_velocity(positions, rate_hz), rate_hz, connections, power=3)


def nsparc_actions(actions: ArrayLike, space: ActionSpace) -> float:
    """NSPARC of commanded actions (T, D): mean over the translations and rotations that move."""
    velocities = _velocities(actions, space)
    return _mean([nsparc_speed(np.linalg.norm(v, axis=-1), space.rate_hz) for v in velocities])


def sparc_reference_actions(actions: ArrayLike, space: ActionSpace) -> float:
    """As `nsparc_actions`, with the cut-off of `sparc_reference_speed`."""
    velocities = _velocities(actions, space)
    return _mean([sparc_reference_speed(np.linalg.norm(v, axis=-1), space.rate_hz) for v in velocities])


def nldlj_actions(
    actions: ArrayLike, space: ActionSpace, connections: Iterable[int] = (), power: int = 5
) -> float:
    """NLDLJ of actions (T, D), averaged as in `nsparc_actions`; `power` 3 is the dimensionless form."""
    indices = tuple(connections)
    return _mean([_log_jerk(v, space.rate_hz, indices, power) for v in _velocities(actions, space)])


def overlap_rmse(previous: ArrayLike, new: ArrayLike, stride: int) -> float:
    """Disagreement of two chunks about the same ticks, Legato A.7, in the action space's own units.

    The last O = H - s rows of the previous chunk against the first O of the new one (H = 6, s = 2, O = 4):

        previous    p0 p1 p2 p3 p4 p5
        new               n0 n1 n2 n3 n4 n5
        overlap           |---------|

    sqrt(mean over rows of |p - n|^2), the square summed (not averaged) over the D numbers.

    Raises:
        SchedulerError: other than (H, D) arrays of one width, or no overlap.
    """
    old, fresh = np.asarray(previous, dtype=np.float64), np.asarray(new, dtype=np.float64)
    if old.ndim != 2 or fresh.ndim != 2 or old.shape[1] != fresh.shape[1]:
        raise SchedulerError(
            ErrorCode.CHUNK_WRONG_SHAPE, "overlap", got=f"{old.shape}, {fresh.shape}", expected="(H, D)"
        )
    rows = min(len(old) - stride, len(fresh))
    if stride < 0 or rows < 1:
        raise SchedulerError(
            ErrorCode.SCHEDULER_INFEASIBLE, "no overlap", got=f"s={stride}", expected=f"< {len(old)}"
        )
    return float(np.sqrt(np.mean(np.sum((old[stride : stride + rows] - fresh[:rows]) ** 2, axis=1))))


def motion_overlap(space: ActionSpace, previous: ArrayLike, new: ArrayLike, stride: int) -> float | None:
    """`overlap_rmse` of the numbers that move an arm [m, rad]; None where the chunks have no tick in common."""
    old, fresh = np.asarray(previous, dtype=np.float64), np.asarray(new, dtype=np.float64)
    if not 0 <= stride < len(old):
        return None
    return overlap_rmse(old[:, space.moving], fresh[:, space.moving], stride)


def seam_jump(space: ActionSpace, before: ArrayLike, after: ArrayLike) -> float:
    """Length of the step between two actions (D,), by channel (see `segue_core.blending.difference`)."""
    return float(np.linalg.norm(difference(space, before, after)))


def path_length(actions: ArrayLike, space: ActionSpace) -> float:
    """How far commands (T, D) move all end-effectors together [m]; NaN in a space without positions."""
    path = np.asarray(actions, dtype=np.float64)
    places = [path[:, space.slice(c.name)] for c in space.channels if c.kind is ChannelKind.POSITION]
    if not places:
        return float("nan")
    return float(sum(np.linalg.norm(np.diff(place, axis=0), axis=1).sum() for place in places))


def _velocity(positions: ArrayLike, rate_hz: float) -> Floats:
    path = np.asarray(positions, dtype=np.float64)
    path = path[:, None] if path.ndim == 1 else path
    if path.ndim != 2 or len(path) < 4 or not np.isfinite(path).all():
        raise _wrong("path", path, "(T >= 4, n), finite")
    return np.diff(path, axis=0) * rate_hz


def _speed(positions: ArrayLike, rate_hz: float) -> Floats:
    speed: Floats = np.linalg.norm(_velocity(positions, rate_hz), axis=-1)
    return speed


def _arc_length(
    speed: ArrayLike, rate_hz: float, padlevel: int, cutoff_hz: float, cut: Callable[[Floats], int]
) -> float:
    """Length of the spectrum from 0 to the sample that `cut` chooses from its magnitudes, frequencies made 0 to 1."""
    profile = np.asarray(speed, dtype=np.float64)
    if profile.ndim != 1 or len(profile) < 2 or not np.isfinite(profile).all():
        raise _wrong("speed profile", profile, "(T >= 2,), finite")
    if np.abs(profile).max() <= STILL_SPEED:
        return float("nan")
    size = 2 ** (int(np.ceil(np.log2(len(profile)))) + padlevel)
    frequency = np.arange(size) * (rate_hz / size)
    spectrum = np.abs(np.fft.fft(profile, size))
    magnitude = (spectrum / spectrum.max())[frequency <= min(cutoff_hz, rate_hz / 2)]
    end = cut(magnitude)
    step = np.diff(frequency[: end + 1]) / max(frequency[end], np.finfo(float).tiny)
    return float(np.hypot(step, np.diff(magnitude[: end + 1])).sum())


def _log_jerk(velocity: Floats, rate_hz: float, connections: Iterable[int], power: int) -> float:
    jerk = np.diff(velocity, n=2, axis=0) * rate_hz**2  # (T - 3, n); sample i spans positions i .. i + 3
    within, smooth = np.ones(len(velocity), dtype=bool), np.ones(len(jerk), dtype=bool)
    for connection in connections:
        within[max(connection - 1, 0) : max(connection, 0)] = False
        smooth[max(connection - 3, 0) : max(connection, 0)] = False
    if not smooth.any():
        return float("nan")
    peak = float(np.linalg.norm(velocity[within], axis=-1).max())
    if peak <= STILL_SPEED:
        return float("nan")
    duration = len(velocity) / rate_hz
    integral = float(np.sum(jerk[smooth] ** 2)) / rate_hz
    with np.errstate(divide="ignore"):
        return float(np.log(duration**power / peak**2 * integral))


def _velocities(actions: ArrayLike, space: ActionSpace) -> list[Floats]:
    """Velocity (T - 1, n) of every pose channel, or of the joints where a space has no poses."""
    path = space.validate(actions, "trajectory")
    if path.ndim != 2 or len(path) < 4:
        raise _wrong("trajectory", path, f"(T >= 4, {space.dim})")
    poses = [c for c in space.channels if c.kind in _POSE_KINDS]
    channels = poses or [c for c in space.channels if c.kind is ChannelKind.JOINT]
    return [difference(space, path[:-1], path[1:])[:, space.slice(c.name)] * space.rate_hz for c in channels]


def _mean(values: list[float]) -> float:
    moving = [value for value in values if not np.isnan(value)]
    return float(np.mean(moving)) if moving else float("nan")


def _wrong(what: str, array: Floats, expected: str) -> SchedulerError:
    return SchedulerError(ErrorCode.CHUNK_WRONG_SHAPE, what, got=array.shape, expected=expected)
