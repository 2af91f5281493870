"""Who asks a training to end (Ctrl-C, `kill`, a terminal that closes) has the step finished and its state saved.

An evaluation, which may take a minute, is given up instead: it changes nothing and can be made again.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any


class StopRequest:
    """Context in which the first signal is only noted; a second SIGINT interrupts at once.

    SIGHUP that `nohup` ignores stays so. Outside of the main thread, where Python delivers no signals, nothing is
    changed.
    """

    def __init__(self) -> None:
        self.made = False
        self._at_once = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            closing = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
            for kind in (signal.SIGINT, signal.SIGTERM, *closing):
                self._before[kind] = signal.signal(kind, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name, handler in self._before.items():
            signal.signal(name, handler)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """The block is left by KeyboardInterrupt when a stop is asked for in it, or was before."""
        self._at_once = True
        try:
            if self.made:
                raise KeyboardInterrupt
            yield
        finally:
            self._at_once = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        again = self.made and number == signal.SIGINT
        self.made = True
        if again or self._at_once:
            raise KeyboardInterrupt
