"""Guidance schedules and the alignment of a reference to a new chunk."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segue_core.arrays import Floats
from segue_core.errors import ErrorCode, SchedulerError, unknown_name


def _linear(index: Floats, delay: int, ramp: int) -> Floats:
    return np.clip((delay - 1 - index) / (ramp + 1) + 1, 0.0, 1.0)


def _exponential(index: Floats, delay: int, ramp: int) -> Floats:
    weight = _linear(index, delay, ramp)
    scaled: Floats = weight * np.expm1(weight) / np.expm1(1.0)
    return scaled


def _zeros(index: Floats, delay: int, ramp: int) -> Floats:
    return (index < delay).astype(np.float64)


def _ones(index: Floats, delay: int, ramp: int) -> Floats:
    return np.ones_like(index)


_KINDS: Mapping[str, Callable[[Floats, int, int], Floats]] = {
    "linear": _linear,
    "exp": _exponential,
    "zeros": _zeros,
    "ones": _ones,
}
SCHEDULE_KINDS: tuple[str, ...] = tuple(_KINDS)


def guidance_schedule(horizon: int, delay: int, ramp: int, kind: str = "linear") -> NDArray[np.float32]:
    """Weights omega (H,): how strongly each row of a new chunk follows the executing one.

    With d = 3, r = 4, H = 10:

        row      0  1  2 | 3    4    5    6  | 7  8  9
        linear   1  1  1 | 4/5  3/5  2/5  1/5| 0  0  0
        exp      1  1  1 | w * (e^w - 1) / (e - 1), w = linear
        zeros    1  1  1 | 0    0    0    0  | 0  0  0
        ones     1  1  1 | 1    1    1    1  | 0  0  0
                 prefix d    ramp r            free

    The linear ramp is that of the RTC authors' code, which Legato (Sec. III-D) shares, so both are compared
    on one schedule.

    Raises:
        SchedulerError: SCHEDULER_INFEASIBLE when a length is negative or d + r exceeds H.
        ConfigError: unknown `kind`.
    """
    if kind not in _KINDS:
        raise unknown_name("guidance schedule", kind, _KINDS)
    if horizon < 1 or delay < 0 or ramp < 0 or delay + ramp > horizon:
        raise SchedulerError(
            ErrorCode.SCHEDULER_INFEASIBLE,
            "guidance schedule does not fit the horizon",
            got=f"H={horizon}, d={delay}, r={ramp}",
            expected="H >= 1, d >= 0, r >= 0, d + r <= H",
        )
    weights = _KINDS[kind](np.arange(horizon, dtype=np.float64), delay, ramp)
    weights[delay + ramp :] = 0.0
    return weights.astype(np.float32)


def align_reference(previous_chunk: ArrayLike, stride: int, horizon: int) -> NDArray[np.float32]:
    """What the previous chunk says about a chunk that starts `stride` ticks later, (H, D) float32.

    With 6 previous rows, s = 2, H = 6; missing rows repeat the last one, never zero (zero decodes to the
    dataset's mean pose):

        previous    p0 p1 p2 p3 p4 p5
        reference         p2 p3 p4 p5 p5 p5
        row               0  1  2  3  4  5

    When everything is consumed (s >= number of rows) every row is the last one.

    Raises:
        SchedulerError: empty chunk, negative stride, or horizon below 1.
    """
    previous = np.asarray(previous_chunk, dtype=np.float32)
    if previous.ndim != 2 or previous.shape[0] < 1:
        raise SchedulerError(
            ErrorCode.CHUNK_WRONG_SHAPE, "previous chunk", got=previous.shape, expected="(rows >= 1, D)"
        )
    if stride < 0 or horizon < 1:
        got = f"s={stride}, H={horizon}"
        raise SchedulerError(ErrorCode.SCHEDULER_INFEASIBLE, "reference", got=got, expected="s >= 0, H >= 1")
    rows = np.minimum(np.arange(stride, stride + horizon), previous.shape[0] - 1)
    reference: NDArray[np.float32] = previous[rows]
    return reference
