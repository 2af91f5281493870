"""What a policy's own episodes leave to learn from: what was seen along them, and whether they succeeded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from segue_core.errors import DataError, ErrorCode
from segue_core.files import regular

_ARRAYS = ("images", "state", "ticks")


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
        with np.load(regular(file), allow_pickle=False) as kept:
            images, state, ticks = (kept[name] for name in _ARRAYS)
            told = int(kept["last_tick"]), float(kept["rate_hz"]), bool(kept["success"])
            rollout = Rollout(images, state, ticks, *told, str(kept["instruction"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, BadZipFile) as error:
        text = f"{file}: {error}"
        do = "delete it, and its seed is rolled out again"
        raise DataError(ErrorCode.DATA_DATASET_INVALID, text, do=do) from error
    return rollout
