"""Reverse temporal ensembling (Chain-of-Action, arXiv 2506.09990): the mean of chains, aligned at their keyframe.

    rows from the keyframe      5    4    3    2    1    0 = keyframe
    what is left of the mean         x    x    x    x    x          the tool has come nearer since
    new chain                   x    x    x    x    x    x          another number of rows, the same goal
    mean                        new  both both both both both

A chain ends at its goal, whenever it was decoded, so what corresponds is counted back from there and not by ticks.
Where a chunk ends with equal rows its goal is held: the chain ends with the first of them, whose mean is held then.
The weights are exp(-m i), i = 0 for the oldest chain of a row, as in `temporal_ensemble`. Chains to another goal are
not mixed: where the keyframes are apart, or a gripper of theirs differs, the mean begins anew with the new chain.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.blending import blend, difference
from segue_core.chunk import ActionChunk
from segue_core.contracts.base import StrictModel
from segue_scheduler.continuation.base import Continuation
from segue_scheduler.splice import Timeline

_HALF_OPEN = 0.5


class ReverseTemporalEnsembleOptions(StrictModel):
    """How fast the weight falls with every newer chain, and which chains have one goal."""

    m: float = Field(
        default=0.01,
        ge=-0.5,
        le=0.5,
        description="decay of the weights; below 0 the newest chain weighs most",
    )
    goal_m: float = Field(
        default=0.05, ge=0, description="largest distance of keyframes of one goal, of each position [m]"
    )
    goal_rad: float = Field(
        default=0.3, ge=0, description="largest angle between them, of each rotation or joint [rad]"
    )


class ReverseTemporalEnsemble(Continuation):
    """Plain sampling of chunks that end at a goal; others are replaced as `naive_async` does."""

    name = "reverse_temporal_ensemble"
    ramps = False
    streams = False  # a chunk is aligned at its last row

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = self.parse(options, ReverseTemporalEnsembleOptions)
        self.reset()

    def reset(self) -> None:
        """No row has a chain behind it."""
        self._counts = np.zeros(0, dtype=np.int64)  # chains behind each row, the last entry for the keyframe

    def merge(self, timeline: Timeline, chunk: ActionChunk, now: int, space: ActionSpace) -> int:
        """Splice, then mix the rows that are as far from the keyframe; a chunk that is wholly past changes nothing."""
        old = timeline.rows_from(now)
        dropped = timeline.splice(chunk, now)
        if dropped == chunk.horizon:
            return dropped
        rows = timeline.rows_from(now)
        goal, before = _chain_ticks(rows), _chain_ticks(old)
        both = min(goal, before) if before and self._one_goal(space, old[-1], rows[-1]) else 0
        behind = self._counts[len(self._counts) - len(old) :][before - both : before]
        mixed = slice(goal - both, goal)
        self._counts = np.ones(len(rows), dtype=np.int64)
        self._counts[mixed] += behind
        if both:
            rows[mixed] = blend(space, old[before - both : before], rows[mixed], self._shares(behind))
            rows[goal:] = rows[goal - 1]
            timeline.replace(rows, now)
        return dropped

    def _shares(self, behind: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of a chain that joins `behind` (n,) others, row by row."""
        sums = np.cumsum(np.exp(self._options.m * np.arange(behind.max(initial=0) + 1)))
        share: NDArray[np.float64] = 1.0 / sums[behind]
        return share

    def _one_goal(self, space: ActionSpace, old: NDArray[np.float64], new: NDArray[np.float64]) -> bool:
        apart = difference(space, old, new)
        for channel in space.channels:
            part = space.slice(channel.name)
            if channel.kind is ChannelKind.GRIPPER:
                same = bool(((old[part] >= _HALF_OPEN) == (new[part] >= _HALF_OPEN)).all())
            elif channel.kind is ChannelKind.POSITION:
                same = float(np.linalg.norm(apart[part])) <= self._options.goal_m
            else:
                same = float(np.abs(apart[part]).max()) <= self._options.goal_rad
            if not same:
                return False
        return True


def _chain_ticks(rows: NDArray[np.float64]) -> int:
    """How many of rows (n, D) there are up to the first of those that hold the last one."""
    moving = np.flatnonzero((rows != rows[-1:]).any(axis=1))
    return min(int(moving[-1]) + 2, len(rows)) if len(moving) else min(1, len(rows))


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return ReverseTemporalEnsemble(options)
