"""The training log as TensorBoard reads it: `tensorboard --logdir FOLDER/training` shows runs beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class EventLog:
    """Writes event files into a folder, or nothing when it is told to be off."""

    def __init__(self, folder: Path, first_step: int, on: bool) -> None:
        """A run that goes on at `first_step` replaces what was logged from there on."""
        self._writer: Any = None
        if on:
            from tensorboardX import SummaryWriter

            purge = first_step if first_step > 0 else None
            self._writer = SummaryWriter(str(folder), purge_step=purge, flush_secs=30)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one step, by name."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
