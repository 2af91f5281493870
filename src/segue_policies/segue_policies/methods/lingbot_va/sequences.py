"""Samples of many steps: an episode from some frame on, then others from their first, as many as fit.

    tau 4, 5 steps     frame    6   10   14   |    0    4        an episode that ends with frame 15, then the next one
                       episode  0    0    0   |    1    1        tokens of different numbers never see each other

Behind an episode's last frame it stands still for as many steps as a chunk has: its end is learned too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_core.arrays import Floats
from segue_policies.samples.batches import ByFrame
from segue_policies.samples.demonstrations import ChunkDataset

Frames = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Packing:
    """Which frames the steps of a sample are.

    Args:
        first, last: (F,), first and last frame of each frame's episode.
        following: from an episode's first frame to that of the one that comes behind it.
        every: ticks tau per step.
        length: steps of a sample.
        still: steps of standing still behind an episode.
    """

    first: Frames
    last: Frames
    following: dict[int, int]
    every: int
    length: int
    still: int

    def steps(self, start: int) -> tuple[Frames, Frames]:
        """Frames (length,) of the steps of the sample at frame `start`, and their episodes, numbered from 0."""
        frames: list[int] = []
        episodes: list[int] = []
        while len(frames) < self.length:
            end = int(self.last[start])
            there = (end - start) // self.every + 1 + self.still
            frames += [min(start + k * self.every, end) for k in range(there)]
            episodes += [episodes[-1] + 1 if episodes else 0] * there
            start = self.following[int(self.first[start])]
        return np.array(frames[: self.length]), np.array(episodes[: self.length])

    def shots(self, start: int, count: int) -> Frames:
        """Frames (length, count) on the way to each step, the last its own, alike spaced; of a first step its own."""
        frames, episodes = self.steps(start)
        begins, before = np.diff(episodes, prepend=-1) > 0, np.roll(frames, 1)
        on_the_way = before[:, None] + self.every // count * np.arange(1, count + 1)
        return np.where(begins[:, None], frames[:, None], np.minimum(on_the_way, frames[:, None]))

    def led(self, start: int) -> tuple[Frames, NDArray[np.bool_]]:
        """Frames (length, tau) of the actions that lead to each step, and which of them there are.

        Those that would be before an episode are its first frame, and not there.
        """
        frames, episodes = self.steps(start)
        begins, before = np.diff(episodes, prepend=-1) > 0, np.roll(frames, 1)
        rows = np.where(begins, frames - self.every, before)[:, None] + np.arange(self.every)
        rows = np.minimum(rows, self.last[frames][:, None])
        first = self.first[frames][:, None]
        return np.maximum(rows, first), rows >= first


def packing(
    parts: tuple[ChunkDataset, ...], alike: Callable[[int], str], every: int, length: int, still: int
) -> Packing:
    """Episodes of each of `parts` behind one another, with those for which `alike` gives the same."""
    episode, last = np.asarray(parts[0].data.episode), parts[0].last
    first = np.searchsorted(episode, episode)
    following: dict[int, int] = {}
    for part in parts:
        groups: dict[str, list[int]] = defaultdict(list)
        for start in np.unique(first[part.frames]).tolist():
            groups[alike(int(episode[start]))].append(start)
        for starts in groups.values():
            following.update(zip(starts, [*starts[1:], starts[0]], strict=True))
    return Packing(first, last, following, every, length, still)


@dataclass(frozen=True, eq=False)
class Steps:
    """Column: what is in `values` (F, ...) at each step, (n, length, ...), or `shots` times on the way to it."""

    packing: Packing
    values: NDArray[np.generic] | ByFrame
    shots: int = 1

    def __getitem__(self, frames: Frames) -> NDArray[np.generic]:
        """Of the samples that start at `frames` (n,)."""
        return np.stack([np.asarray(self.values[self._frames(int(frame))]) for frame in frames])

    def _frames(self, start: int) -> Frames:
        return (
            self.packing.shots(start, self.shots).ravel() if self.shots > 1 else self.packing.steps(start)[0]
        )


@dataclass(frozen=True, eq=False)
class Led:
    """Column: the universal actions (n, length, tau, 30) that lead to each step; before an episode the first state."""

    packing: Packing
    actions: Floats
    states: Floats

    def __getitem__(self, frames: Frames) -> NDArray[np.float32]:
        """Of the samples that start at `frames` (n,)."""
        return np.stack([self._sample(int(frame)) for frame in frames]).astype(np.float32)

    def _sample(self, start: int) -> Floats:
        rows, there = self.packing.led(start)
        return np.where(there[..., None], self.actions[rows], self.states[rows])


@dataclass(frozen=True, eq=False)
class Episodes:
    """Column: which episode of its sample each step is of, (n, length), from 0."""

    packing: Packing

    def __getitem__(self, frames: Frames) -> Frames:
        """Of the samples that start at `frames` (n,)."""
        return np.stack([self.packing.steps(int(frame))[1] for frame in frames])
