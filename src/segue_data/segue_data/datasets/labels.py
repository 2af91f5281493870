"""Labels that methods learn from, computed from a dataset's own rows. Pure; `label_files.py` keeps them.

Each has a version: it goes up when the definition changes, so that a checkpoint can say what it was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace, ChannelKind

Rows = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class KeyframeSettings:
    """Version 2: a frame is a keyframe when a gripper's command changes, when the robot comes to rest, or at the end.

    Source: C2F-ARM's heuristic as Chain-of-Action and ARM use it (gripper state, velocities near zero, debounce).
    With `gripper_answered` an observation tells on which side of a keyframe it is: between the command and the fingers'
    movement nothing can be seen of either. Who does not follow within the debounce has the keyframe there.
    The velocities are those of the dataset's state: tool speed, or joint speed where the state has joints. A robot that
    stands still at the beginning does not come to rest there, and coming to rest right before the end is the end.
    """

    still_m_s: float = 0.01
    still_rad_s: float = 0.05
    debounce_frames: int = 10  # frames after a keyframe in which coming to rest makes no other
    gripper_threshold: float = 0.5
    gripper_answered: bool = False  # a change's keyframe is where the fingers have followed, not the command
    end: bool = True  # whether the last frame is a keyframe, whatever happens there


@dataclass(frozen=True)
class TokenSettings:
    """Version 1: uniform bins per dimension between two quantiles of the whole dataset.

    Source: OpenVLA's action tokens, as Action Stream uses them: 256 bins from the 1st to the 99th percentile.
    """

    bins: int = 256
    low_quantile: float = 0.01
    high_quantile: float = 0.99


def _still(state: Rows, space: ActionSpace, rate_hz: float, settings: KeyframeSettings) -> NDArray[np.bool_]:
    """Whether nothing moves at a frame, (frames,)."""
    limits = {
        ChannelKind.POSITION: settings.still_m_s,
        ChannelKind.ROTATION_VECTOR: settings.still_rad_s,
        ChannelKind.JOINT: settings.still_rad_s,
    }
    still = np.ones(len(state), dtype=bool)
    for channel in space.channels:
        if (limit := limits.get(channel.kind)) is not None:
            speed = np.linalg.norm(np.diff(state[:, space.slice(channel.name)], axis=0), axis=1) * rate_hz
            still[1:] &= speed < limit
    still[:1] = still[1:2]  # who stands still at the beginning does not come to rest there
    return still


def _gripper_changes(
    state: Rows, action: Rows, space: ActionSpace, settings: KeyframeSettings
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Frames in which a gripper is told otherwise, and those that are keyframes for it, both (frames,)."""
    changes, found = (np.zeros(len(action), dtype=bool) for _ in range(2))
    for channel in space.channels:
        if channel.kind is ChannelKind.GRIPPER:
            told, measured = (
                np.all(rows[:, space.slice(channel.name)] > settings.gripper_threshold, axis=1)
                for rows in (action, state)
            )
            for change in np.flatnonzero(told[1:] != told[:-1]) + 1:
                changes[change] = True
                found[change + _answer(told[change:], measured[change:], settings)] = True
    return changes, found


def _answer(told: NDArray[np.bool_], measured: NDArray[np.bool_], settings: KeyframeSettings) -> int:
    """How many frames behind the change, the first of them, the keyframe is."""
    if not settings.gripper_answered:
        return 0
    waited = slice(settings.debounce_frames + 1)
    again = np.append(told[1:] != told[:-1], True)  # told otherwise in the next frame, or no frame follows
    ends = np.flatnonzero(((measured == told) | again)[waited])
    return int(ends[0]) if len(ends) else settings.debounce_frames


def keyframes(
    state: Rows, action: Rows, space: ActionSpace, rate_hz: float, settings: KeyframeSettings
) -> NDArray[np.bool_]:
    """Keyframes (frames,) of one episode, from its state and action, both (frames, D)."""
    still = _still(state, space, rate_hz, settings)
    changes, found = _gripper_changes(state, action, space, settings)
    for frame in _rests(still, changes, settings):
        found[frame] = True
    found[-1:] |= settings.end
    return found


def _rests(still: NDArray[np.bool_], changes: NDArray[np.bool_], settings: KeyframeSettings) -> Iterator[int]:
    """Frames in which the robot comes to rest, far enough from the keyframe before and from an end that is one."""
    last = -settings.debounce_frames
    limit = len(still) - (settings.debounce_frames if settings.end else 0)
    for frame in range(1, len(still)):
        comes_to_rest = still[frame] and not still[frame - 1]
        if changes[frame]:
            last = frame
        elif comes_to_rest and frame - last >= settings.debounce_frames and frame < limit:
            last = frame
            yield frame


def next_keyframe(found: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For every frame (frames,) of one episode the first keyframe not before it; -1 where none follows."""
    places = np.append(np.flatnonzero(found), -1)
    return np.asarray(places[np.searchsorted(places[:-1], np.arange(len(found)))], dtype=np.int64)


def progress(length: int) -> NDArray[np.float32]:
    """Version 1: t / T of one episode (frames,), 0 at its first frame and 1 at its last (ProgressVLA's label)."""
    return (
        np.linspace(0.0, 1.0, length, dtype=np.float32) if length > 1 else np.ones(length, dtype=np.float32)
    )


def bin_edges(action: Rows, settings: TokenSettings) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper end of the bins, both (D,), from all actions (frames, D) of a dataset."""
    low, high = np.quantile(
        np.asarray(action, dtype=np.float64), [settings.low_quantile, settings.high_quantile], 0
    )
    return low, np.maximum(high, low + 1e-9)


def tokens(action: Rows, low: NDArray[np.float64], high: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Bin numbers 0 .. bins-1 (frames, D); what lies outside falls into the first or last bin."""
    share = (np.asarray(action, dtype=np.float64) - low) / (high - low)
    return np.clip(np.floor(share * bins), 0, bins - 1).astype(np.int64)


def untokens(
    numbers: NDArray[np.int64], low: NDArray[np.float64], high: NDArray[np.float64], bins: int
) -> NDArray[np.float64]:
    """Actions (frames, D) at the middle of their bins."""
    return np.asarray(low + (numbers + 0.5) / bins * (high - low))
