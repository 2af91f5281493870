"""A one-line progress bar on a terminal, plain lines elsewhere, nothing at all when told so."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_WIDTH = 28


def clock(seconds: float) -> str:
    """`m:ss`."""
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


class ProgressBar:
    """Shows `done` of `total` with elapsed and remaining time. Writes to stderr, so tables can be piped."""

    def __init__(
        self, total: int, label: str, done: int = 0, stream: TextIO | None = None, quiet: bool = False
    ) -> None:
        self._total, self._label, self._done = total, label, done
        self._first = done
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._began = time.monotonic()

    def step(self, note: str = "") -> None:
        """One more is done."""
        self._done += 1
        if not self._quiet:
            self._stream.write(self._line(note))
            self._stream.flush()

    def close(self) -> None:
        """Leave the line behind."""
        if not self._quiet and self._stream.isatty() and self._done > self._first:
            self._stream.write("\n")

    def _line(self, note: str) -> str:
        elapsed = time.monotonic() - self._began
        left = elapsed / (self._done - self._first) * (self._total - self._done)
        counts = (
            f"{self._label}  {self._done}/{self._total}  {clock(elapsed)} elapsed, {clock(left)} left  {note}"
        )
        if not self._stream.isatty():
            return counts.rstrip() + "\n"
        filled = round(_WIDTH * self._done / max(1, self._total))
        return f"\r\x1b[K[{'#' * filled}{'.' * (_WIDTH - filled)}] {counts}"
