"""The first number of an episode that no policy may be trained on: of no robot, or at a time that fits no rate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import FURTHEST, ActionSpace
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.episodes import DatasetFiles
from segue_data.errors import invalid_dataset


def impossible(values: NDArray[np.float32], space: ActionSpace) -> tuple[int, str] | None:
    """(frame, what is there) of the first entry of (frames, D) that is NaN, infinite or farther than any robot is."""
    bad = np.argwhere(~(np.abs(values) <= FURTHEST))
    if not bad.size:
        return None
    frame, entry = map(int, bad[0])
    expected = "a finite number" if not np.isfinite(values[frame, entry]) else f"at most {FURTHEST:g}"
    return frame, f"{space.names[entry]} is {values[frame, entry]}, expected {expected}"


def off_time(times: NDArray[Any], rate_hz: float) -> tuple[int, str] | None:
    """(frame, what is there) of the first time of an episode that is more than half a tick off k / rate."""
    wanted = np.arange(len(times)) / rate_hz
    wrong = np.flatnonzero(~(np.abs(np.asarray(times, dtype=np.float64) - wanted) <= 0.5 / rate_hz))
    if not wrong.size:
        return None
    frame = int(wrong[0])
    return (
        frame,
        f"timestamp is {times[frame]:g} s, expected {wanted[frame]:.4f} s at {rate_hz:g} frames per second",
    )


def refuse_values(files: DatasetFiles) -> None:
    """Refuse states, actions and times that nothing may be learned from.

    Raises:
        DataError: naming dataset, file, episode, frame, entry and value.
    """
    for name in (layout.ACTION, layout.STATE):
        for episode, values in zip(files.episodes, files.rows(name), strict=True):
            if bad := impossible(values, files.about.space):
                _refuse(files, f"{episode.place}, frame {bad[0]}, {name}", bad[1])
    for episode, times in zip(files.episodes, files.numbers("timestamp"), strict=True):
        if bad := off_time(times, files.about.rate_hz):
            _refuse(files, f"{episode.place}, frame {bad[0]}", bad[1])


def _refuse(files: DatasetFiles, place: str, what: str) -> None:
    raise invalid_dataset(files.path, place, what, f"`segue data check {files.path}` lists everything")
