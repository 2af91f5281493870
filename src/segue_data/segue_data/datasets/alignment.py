"""Put messages of different rates onto control ticks: each takes the newest message not later than it.

    ticks        |0       |1       |2          stamps of /segue/command
    images     a   b        c      d           (as of)  tick 0: a   tick 1: b   tick 2: d
    as-of index  0         1       3

Real stamps decide, never the nominal rate, so a recording that ran slow cannot pass for one at full rate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue_core.figures import told_apart
from segue_data.errors import misaligned

Stamps = NDArray[np.int64]  # (n,) nanoseconds
_SPLIT = "look at the bag (./segue data check); ./segue data convert --doubtful leaves such ticks out and splits there"
_BEHIND_NS = 100_000_000  # longer than a camera takes from its stamp to the recording


def _unknown(_stamp_ns: int) -> str:
    return ""


def as_of(
    ticks: Stamps,
    stamps: Stamps,
    *,
    max_age_ns: int,
    source: Path,
    stream: str,
    behind_ns: int = 0,
    why: Callable[[int], str] = _unknown,
) -> NDArray[np.intp]:
    """Index into `stamps` (n,), non-decreasing, of the newest entry <= each tick (k,).

    `behind_ns` is as `other_clock` has it; `why` may know why there is nothing newer at a tick [ns].

    Raises:
        DataError: no entry yet at a tick, or the newest is older than `max_age_ns`; names stream and tick.
    """
    index = _newest(ticks, stamps)
    if stamps.size == 0:
        raise misaligned(source, stream, "no messages")
    age = ticks - stamps[index]
    stale = np.flatnonzero(age > max_age_ns)
    early = bool(index.size) and index[0] < 0
    if (early or stale.size) and (cause := other_clock(ticks, stamps, behind_ns)):
        raise misaligned(source, stream, cause)
    if early:
        what = f"first message comes {_ms(stamps[0] - ticks[0])} too late"
        raise misaligned(source, f"{stream}, tick 0", what + _because(why(int(ticks[0]))), do=_SPLIT)
    if stale.size:
        worst = int(stale[0])
        old, most = told_apart(age[worst] / 1e6, max_age_ns / 1e6, 1)
        raise misaligned(
            source,
            f"{stream}, tick {worst}",
            f"newest message is {old} ms old, allowed {most} ms ({stale.size} such ticks)"
            + _because(why(int(ticks[worst]))),
            do=_SPLIT,
        )
    return index


def is_fresh(ticks: Stamps, stamps: Stamps, max_age_ns: int) -> NDArray[np.bool_]:
    """Whether `as_of` has an entry for each tick (k,)."""
    if not stamps.size:
        return np.zeros(ticks.size, dtype=np.bool_)
    index = _newest(ticks, stamps)
    fresh: NDArray[np.bool_] = (index >= 0) & (ticks - stamps[index] <= max_age_ns)
    return fresh


def _newest(ticks: Stamps, stamps: Stamps) -> NDArray[np.intp]:
    return np.searchsorted(stamps, ticks, side="right") - 1


def _because(cause: str) -> str:
    return f": {cause}" if cause else ""


def behind(stamps: Sequence[int], logged: Sequence[int]) -> int:
    """How long [ns] after its stamp a message was recorded, usually."""
    return int(np.median(np.asarray(logged) - np.asarray(stamps))) if stamps else 0


def unstamped(stamps: Stamps, sender: str) -> str:
    """Says so when all stamps of a stream are one; else empty."""
    if stamps.size < 2 or (stamps != stamps[0]).any():
        return ""
    told = "0" if not stamps[0] else f"equal ({stamps[0] / 1e9:.3f} s)"
    return f"all {stamps.size} stamps are {told}: its {sender} does not stamp what it sends"


def other_clock(ticks: Stamps, stamps: Stamps, behind_ns: int = 0) -> str:
    """Why stamps cannot belong to ticks at all, where that is plain: not stamped, or by another clock; else empty.

    `behind_ns` is how much longer than a command a message of the stream lay between its stamp and the recording.
    """
    if not stamps.size or not ticks.size:
        return ""
    if cause := unstamped(stamps, "driver"):
        return cause
    span = max(int(ticks[-1] - ticks[0]), 1_000_000_000)
    apart = int(np.median(stamps) - np.median(ticks))
    if abs(apart) < 2 * span:
        if behind_ns < _BEHIND_NS:
            return ""
        late = f"its stamps are {behind_ns / 1e6:.0f} ms behind the recording's"
        return f"{late}: its clock or its driver is late; synchronise clocks (chrony), or shorten its queue"
    way = "ahead of" if apart > 0 else "behind"
    rate = (stamps.size - 1) * 1e9 / max(int(stamps[-1] - stamps[0]), 1)
    return (
        f"its stamps are {abs(apart) / 1e9:.1f} s {way} those of the commands, while messages come at "
        f"{rate:.0f} Hz: they are of another clock"
    )


def _ms(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e6:.1f} ms"


def in_order(stamps: Sequence[int], *, source: Path, stream: str) -> Stamps:
    """`stamps` as an array; DataError at the first that goes backwards."""
    array = np.asarray(stamps, dtype=np.int64)
    backwards = np.flatnonzero(np.diff(array) < 0)
    if backwards.size:
        at = int(backwards[0]) + 1
        raise misaligned(
            source, f"{stream}, message {at}", f"stamp goes back by {_ms(array[at - 1] - array[at])}"
        )
    return array


def check_ticks(numbers: NDArray[np.int64], stamps: Stamps, *, rate_hz: float, source: Path) -> None:
    """Ticks must be consecutive and on time.

    Raises:
        DataError: no stamps, a tick is missing or repeated, or its stamp is more than half a tick off the rate.
    """
    if cause := unstamped(stamps, "sender"):
        raise misaligned(source, "/segue/command", cause)
    if numbers.size < 2:
        raise misaligned(source, "/segue/command", f"{numbers.size} commands, at least 2 are needed")
    steps = np.diff(numbers)
    if (wrong := np.flatnonzero(steps != 1)).size:
        at = int(wrong[0])
        raise misaligned(
            source,
            f"/segue/command, after tick {numbers[at]}",
            f"next tick is {numbers[at + 1]}, expected one more",
            do=_SPLIT,
        )
    off = (stamps - stamps[0]) - np.arange(stamps.size) * (1e9 / rate_hz)
    if (late := np.flatnonzero(np.abs(off) > 0.5e9 / rate_hz)).size:
        at = int(late[0])
        what = f"{_ms(off[at])} off {rate_hz:g} Hz"
        raise misaligned(source, f"/segue/command, tick {numbers[at]}", what, do=_SPLIT)


def whole_stretches(
    numbers: NDArray[np.int64], stamps: Stamps, fresh: NDArray[np.bool_], *, rate_hz: float
) -> list[tuple[int, int]]:
    """(first, length) of the stretches that `check_ticks` accepts, of commands that are all `fresh` (n,).

    numbers   7 8 9 . . 12 13 14 15        two ticks are missing
    fresh     1 1 1      1  0  1  1        nothing new was seen at 13
    stretch   a a a      b     c  c
    """
    found: list[tuple[int, int]] = []
    for at in np.flatnonzero(fresh).tolist():
        if found:
            first, length = found[-1]
            off = stamps[at] - stamps[first] - length * (1e9 / rate_hz)
            if first + length == at and numbers[at] == numbers[at - 1] + 1 and abs(off) <= 0.5e9 / rate_hz:
                found[-1] = first, length + 1
                continue
        found.append((at, 1))
    return found
