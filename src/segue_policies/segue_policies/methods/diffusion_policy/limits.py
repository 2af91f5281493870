"""Chunks and states between -1 and 1: the range of the training data, as the sampler's clipping needs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_policies.samples.normaliser import FLOORS, Normaliser

_BLOCK = 2000  # frames


def with_limits(
    fitted: Normaliser, chunks: Iterable[NDArray[np.float32]], state: NDArray[np.float32], space: ActionSpace
) -> Normaliser:
    """`fitted` with means in the middle of the data's range and scales of half of it; anchors and images as they are.

    Args:
        fitted: says which actions are measured from the state.
        chunks: (n, H, D) in blocks, whose states are the same blocks of `state` (N, S).
        space: a dimension that hardly moves has its kind's smallest scale.
    """
    lows, highs, begin = [], [], 0
    for block in chunks:
        seen = state[begin : begin + len(block)]
        relative = block - (fitted.action_anchor * seen)[:, None] if fitted.action_anchor.any() else block
        lows.append(relative.min(axis=0))
        highs.append(relative.max(axis=0))
        begin += len(block)
    low, high = np.min(lows, axis=0), np.max(highs, axis=0)  # (H, D)
    if not fitted.action_anchor.any():
        low, high = (np.tile(bound, (len(low), 1)) for bound in (low.min(axis=0), high.max(axis=0)))
    floor = np.concatenate([np.full(channel.size, FLOORS[channel.kind]) for channel in space.channels])
    mean, scale = _middle(low, high, floor)
    state_mean, state_scale = _middle(state.min(axis=0), state.max(axis=0), np.float64(0.01))
    return replace(
        fitted, action_mean=mean, action_scale=scale, state_mean=state_mean, state_scale=state_scale
    )


def in_blocks(frames: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Frames (n,), few at once: chunks of all of them need not fit into memory."""
    return np.split(frames, range(_BLOCK, len(frames), _BLOCK))


def _middle(
    low: NDArray[np.float32], high: NDArray[np.float32], floor: NDArray[np.float64] | np.float64
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    half = np.maximum((high - low) / 2, floor)
    return ((low + high) / 2).astype(np.float32), half.astype(np.float32)
