"""How far the video of a run is, on standard error."""

from __future__ import annotations

import sys

_TEXT = "making the video and the report"
_QUARTER = 0.25


class FilmProgress:
    """Call it with the share that is made, in [0, 1]: redrawn on a terminal, a line each quarter elsewhere."""

    def __init__(self) -> None:
        self._redrawn, self._shown = sys.stderr.isatty(), -1.0

    def __call__(self, share: float) -> None:
        """Show it, when it is time to."""
        if share - self._shown < (0.01 if self._redrawn else _QUARTER) and self._shown >= 0:
            return
        self._shown = share
        if self._redrawn:
            done = share > 1 - _QUARTER / 8
            print(f"\r{_TEXT}: {100 * share:3.0f} %", end="\n" if done else "", file=sys.stderr, flush=True)
            self._redrawn, self._shown = self._redrawn and not done, 2.0 if done else share
        else:
            print(
                f"{_TEXT}: {100 * share:.0f} %" if share >= _QUARTER else _TEXT, file=sys.stderr, flush=True
            )
