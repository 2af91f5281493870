"""`kill` and a terminal that closes end a program as Ctrl-C does: what it has begun is cleared up first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

_ASK: Final = (signal.SIGTERM, signal.SIGHUP)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def heard_as_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP are a KeyboardInterrupt in the block.

    What somebody else takes or ignores (`nohup`) stays so, and outside of the main thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [kind for kind in _ASK if signal.getsignal(kind) is signal.SIG_DFL]
    try:
        for kind in taken:
            signal.signal(kind, _interrupt)
        yield
    finally:
        for kind in taken:
            signal.signal(kind, signal.SIG_DFL)
