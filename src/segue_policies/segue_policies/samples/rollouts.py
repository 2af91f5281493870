"""What a policy's own episodes leave to learn from: what was seen along them, and whether they succeeded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.errors import DataError, ErrorCode
from segue_core.files import read_arrays

_ARRAYS = {"images": ("u", 5), "state": ("f", 2), "ticks": ("i", 1)}
_TOLD = {"last_tick": ("i", 0), "rate_hz": ("f", 0), "success": ("b", 0), "instruction": ("U", 0)}
"""Kind of type and axes."""

_MOST_TICKS, _FASTEST_HZ = 10**7, 10_000


@dataclass(frozen=True, eq=False)
class Rollout:
    """One episode, seen now and then.

    Args:
        images: (n, cameras, h, w, 3) uint8.
        state: (n, S) float32, measured.
        ticks: (n,) rising, from 0.
        last_tick: T, the episode's last.
        rate_hz: ticks per second.
        success: whether the simulator's judge says so.
        instruction: what the policy was told.
    """

    images: NDArray[np.uint8]
    state: NDArray[np.float32]
    ticks: NDArray[np.int64]
    last_tick: int
    rate_hz: float
    success: bool
    instruction: str

    @property
    def progress(self) -> NDArray[np.float64]:
        """T / T, (n,)."""
        progress: NDArray[np.float64] = self.ticks / max(self.last_tick, 1)
        return progress


def save_rollout(file: Path, rollout: Rollout) -> None:
    """Write an .npz, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}")
    np.savez_compressed(draft, **vars(rollout))
    draft.rename(file)


def load_rollout(file: Path) -> Rollout:
    """Raises DataError for a file that is missing or not what `save_rollout` writes."""
    try:
        kept = read_arrays(file, [field.name for field in fields(Rollout)])
        _refuse(kept)
    except (OSError, ValueError) as error:
        text = f"{file}: {str(error).removeprefix(f'{file}: ')}"
        do = "delete it, and its seed is rolled out again"
        raise DataError(ErrorCode.DATA_DATASET_INVALID, text, do=do) from error
    told: dict[str, Any] = {name: array.item() if name in _TOLD else array for name, array in kept.items()}
    return Rollout(**told)


def _refuse(kept: Mapping[str, NDArray[Any]]) -> None:
    """Raise ValueError, naming the array, for what no episode leaves."""
    for name, (kinds, axes) in {**_ARRAYS, **_TOLD}.items():
        array = kept[name]
        if array.dtype.kind not in kinds or array.ndim != axes:
            raise ValueError(
                f"{name}: got {array.dtype} {array.shape}, expected {axes} axes of kind {kinds!r}"
            )
    images, state, ticks = (kept[name] for name in _ARRAYS)
    last, rate_hz = int(kept["last_tick"]), float(kept["rate_hz"])
    wrong = {
        "images": images.dtype != np.uint8 or images.shape[4] != 3 or not images.size,
        "state": state.dtype != np.float32 or not np.isfinite(state).all(),
        "length": not len(images) == len(state) == len(ticks),
    }
    if any(wrong.values()):
        shapes = ", ".join(f"{name} {kept[name].dtype} {kept[name].shape}" for name in _ARRAYS)
        found = ", ".join(name for name, is_wrong in wrong.items() if is_wrong)
        raise ValueError(f"{found}: got {shapes}; expected pictures, finite float32 and as many ticks")
    if ticks[0] != 0 or (np.diff(ticks) <= 0).any() or not ticks[-1] <= last <= _MOST_TICKS:
        allowed = f"rising from 0 to at most last_tick, and that at most {_MOST_TICKS}"
        raise ValueError(f"ticks: got {ticks[0]} to {ticks[-1]}, last_tick {last}; allowed: {allowed}")
    if not 0 < rate_hz <= _FASTEST_HZ:
        raise ValueError(f"rate_hz: got {rate_hz}, allowed: above 0, at most {_FASTEST_HZ}")
