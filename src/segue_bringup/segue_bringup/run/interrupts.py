"""Ctrl-C, SIGTERM and a reader that quits, as a count that a loop looks at: the arm is stopped before the graph."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from segue_bringup.environment import endings

_GONE = (errno.EPIPE, errno.EIO)  # a pipe's reader has quit; a terminal was closed


class Unbroken:
    """A stream that may lose its reader, or its disk: what is written then goes nowhere. The rest is the stream's own.

    Attributes:
        refusal: what the system said when it took no more, of a file on a full disk.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._gone = stream, False
        self.refusal: OSError | None = getattr(stream, "refusal", None)

    @property
    def gone(self) -> bool:
        """Whether the reader was found to have quit."""
        return self._gone or bool(getattr(self._stream, "gone", False))

    def write(self, text: str) -> int:
        """Write, or don't."""
        return int(self._try(lambda: self._stream.write(text), len(text)))

    def flush(self) -> None:
        """Flush, or don't."""
        self._try(lambda: self._stream.flush(), None)

    def _try(self, do: Any, otherwise: Any) -> Any:
        try:
            return do()
        except OSError as error:
            if error.errno in _GONE:
                self._gone = True
            else:
                self.refusal = error
            endings.silence(self._stream)
            return otherwise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def unbroken_output() -> Iterator[None]:
    """Inside, standard output and error are `Unbroken`."""
    streams = (sys.stdout, sys.stderr)
    sys.stdout, sys.stderr = (Unbroken(stream) for stream in streams)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


def refused_output() -> OSError | None:
    """Why what was printed is lost, although somebody would read it; for inside `unbroken_output`."""
    told = [getattr(stream, "refusal", None) for stream in (sys.stdout, sys.stderr)]
    return next(filter(None, told), None)


class Interrupts:
    """A context in which signals only count, and printing raises nothing. Use it from the main thread.

    Inside it standard output and error are `Unbroken`; what `nohup` ignores stays ignored.
    """

    def __init__(self) -> None:
        self._signals = 0
        self._before: dict[Any, Any] = {}
        self._output = unbroken_output()
        self._reader_gone = False

    @property
    def count(self) -> int:
        """How many there were; a reader that has quit counts once."""
        return self._signals + self.reader_gone

    @property
    def reader_gone(self) -> bool:
        """Whether whoever read standard output or error has quit."""
        told = any(getattr(stream, "gone", False) for stream in (sys.stdout, sys.stderr))
        self._reader_gone = self._reader_gone or told or endings.reader_gone()
        return self._reader_gone

    @property
    def signalled(self) -> bool:
        """Whether a person or the system asked for the end."""
        return self._signals > 0

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Inside, a signal is a KeyboardInterrupt: for work that nobody needs to wait for."""
        with endings.interruptible():
            yield

    def __enter__(self) -> "Interrupts":
        self._before = endings.take(self._on_signal)
        self._output.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._output.__exit__(None, None, None)
        endings.give_back(self._before)

    def _on_signal(self, *_: object) -> None:
        self._signals += 1
