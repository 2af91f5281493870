"""What a report is made of, wherever it was read from. Times are seconds since the run's first tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.arrays import Floats


@dataclass(frozen=True, eq=False)
class Series:
    """A quantity over time: `t` (n,) [s], rising; `values` (n,)."""

    t: Floats
    values: Floats

    @property
    def last(self) -> float:
        """Final value; NaN when empty."""
        return float(self.values[-1]) if len(self.values) else float("nan")


EMPTY = Series(np.zeros(0), np.zeros(0))


@dataclass(frozen=True, eq=False)
class ChunkRecord:
    """One chunk as it was spliced in.

    Row i was meant for tick `first_tick + i`; the chunk took over at `tick`, `tick - first_tick` rows late.
    `overlap_motion` (Legato A.7 of the numbers that move an arm) and `jump` are None for a chunk without a
    predecessor. `parts` are (tick, rows) of each part of a
    stream as it came, the whole chunk last; where the robot waited for one, its rows were executed that much later.
    """

    sequence: int
    tick: int
    first_tick: int
    delay: int
    actions: Floats  # (H, D)
    omega: Floats  # (H,), or (0,) when no guidance was applied
    overlap_motion: float | None
    jump: float | None
    inference_s: float
    parts: tuple[tuple[int, int], ...] = ()

    @property
    def streamed(self) -> bool:
        """Whether it came in more than one part."""
        return len(self.parts) > 1


@dataclass(frozen=True)
class Ending:
    """How the run ended; `rule` is empty when the bag stops before the scheduler finished."""

    success: bool = False
    rule: str = ""
    reason: str = "the recording ends before the task did"
    code: int = 0  # of the fault that ended it


@dataclass(frozen=True)
class Fault:
    """Something that stopped the motion, or nearly: when [s], the error code, and what was said."""

    t: float
    code: int
    text: str


@dataclass(frozen=True, eq=False)
class RunData:
    """One run, tick by tick. All per-tick arrays have T rows; ticks are the run's own, counted from 0.

    Args:
        received_s: wall time [s] of each tick's state since the first; judges jitter.
        epoch_ns: stamp of tick 0 on the run's clock, which camera stamps share [ns].
    """

    space: ActionSpace
    continuation: str
    ticks: NDArray[np.int64]
    commands: Floats  # (T, D), NaN where no command was recorded
    measured: Floats  # (T, D), NaN where no state was recorded
    phases: tuple[str, ...]
    starved: NDArray[np.bool_]
    expected_delay: NDArray[np.int64]
    action_age: NDArray[
        np.int64
    ]  # ticks since the observation behind the action; -1 while nothing is executed
    received_s: Floats  # (T,)
    epoch_ns: int
    chunks: tuple[ChunkRecord, ...]
    ending: Ending
    score: Series = EMPTY
    placed: Series = EMPTY
    total: int = 0
    progress: Mapping[str, Series] = field(default_factory=dict)
    safety_counts: Mapping[str, int] = field(default_factory=dict)
    late_cycles: int = 0  # of the controller
    faults: tuple[Fault, ...] = ()  # by time
    late: Series = EMPTY  # controller cycles that came late so far
    real: bool = False  # the wall clock ruled: a real robot

    @property
    def seconds(self) -> Floats:
        """Time of every tick (T,) [s]."""
        return self.ticks / self.space.rate_hz

    @property
    def first_action_s(self) -> float | None:
        """Time to the first action of a chunk [s], None without one."""
        running = [tick for tick, phase in zip(self.ticks, self.phases, strict=True) if phase == "running"]
        return int(running[0]) / self.space.rate_hz if running else None

    @property
    def duration_s(self) -> float:
        """Length of the run [s], to the end of its last tick; a busy machine skips ticks in between."""
        return (int(self.ticks[-1]) + 1) / self.space.rate_hz
