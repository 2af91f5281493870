"""How a command ends when nobody wants it any more: Ctrl-C, SIGTERM, a closed terminal, or a reader that has quit.

A process is started with these signals held (a mask that `exec` keeps), so that they wait while the interpreter starts:

held            begin()                interruptible()            end
|--- waits -----|--- leaves quietly ---|--- KeyboardInterrupt ----|--- leaves quietly ---

Standard library only.
"""

import errno
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final, TextIO

EXIT_INTERRUPTED: Final = 130
EXIT_READER_GONE: Final = 141  # 128 + SIGPIPE, as shells say it
EXIT_ENVIRONMENT: Final = 6
_FULL: Final = (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EFBIG)
_INT: Final = frozenset({signal.SIGINT})
_AGAIN_S: Final = 0.02
_PATIENCE_S: Final = 2.0
ENDS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def take(handler: Callable[[int, FrameType | None], object]) -> dict[signal.Signals, Any]:
    """Have `handler` get the signals that ask for the end; what `nohup` ignores stays ignored. Who had them before."""
    heard = [kind for kind in ENDS if kind != signal.SIGHUP or signal.getsignal(kind) != signal.SIG_IGN]
    return {kind: signal.signal(kind, handler) for kind in heard}


def give_back(before: Mapping[signal.Signals, Any]) -> None:
    """Undo `take`."""
    for kind, handler in before.items():
        signal.signal(kind, handler)


def begin() -> None:
    """The first thing that a process does: from here on Ctrl-C ends it at once, without a trace."""
    open_closed()
    take(_leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)


def open_closed() -> None:
    """Standard streams that the caller closed (`>&-`) lead nowhere, here and in what is started.

    Otherwise printing raises, and the next file that is opened takes the stream's number and gets what is printed.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)  # the lowest free number: already this one
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def _leave(*_: object) -> None:
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(EXIT_INTERRUPTED)


def hold() -> None:
    """What asks for the end waits, also in a program that replaces this one, until that calls `begin`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)


@contextmanager
def held() -> Iterator[None]:
    """Ctrl-C waits until the end of the block, and in what is started in it until that calls `begin`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _INT)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INT)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """A KeyboardInterrupt; not while something is imported, since C libraries make other errors of it.

    Then it comes again until that is done, so that what has begun is cleared up, but not for long.
    """
    now = time.monotonic()
    if not _imports(frame):
        _Asked.since = None
        raise KeyboardInterrupt
    _Asked.since = now if _Asked.since is None else _Asked.since
    if now - _Asked.since >= _PATIENCE_S:
        _leave()
    again = threading.Timer(_AGAIN_S, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()


class _Asked:
    """When the end was asked for, while it waits for an import [s]."""

    since: float | None = None


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C is a KeyboardInterrupt: there is something to put in order before the end."""
    before = take(_interrupt)
    try:
        yield
    finally:
        give_back(before)


def reader_gone(*streams: TextIO | None) -> bool:
    """Whether somebody who read one of the streams (default: standard output and error) has quit.

    Asked of the system, without writing; never true for files, terminals that are there and /dev/null.
    """
    poll = select.poll()
    for stream in streams or (sys.stdout, sys.stderr):
        number = _number(stream)
        if number is not None:
            poll.register(number, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def silence_broken() -> None:
    """What is printed from now on to a reader that has quit goes nowhere, and raises nothing."""
    for stream in (sys.stdout, sys.stderr):
        if _number(stream) is not None and reader_gone(stream):
            silence(stream)


def silence(stream: TextIO) -> None:
    """What is printed to a stream from now on goes nowhere, and raises nothing."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _number(stream: TextIO | None) -> int | None:
    try:
        return stream.fileno() if stream is not None else None
    except (OSError, ValueError, AttributeError):  # no file behind it, or closed
        return None


def tolerate_any_text() -> None:
    """A character that the terminal's encoding lacks is printed as `?`; nothing ends for it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def finish(work: Callable[[], int]) -> int:
    """Do the work of a command between `begin` and the end of its process; the exit status.

    What the work did not print itself when it was interrupted, or when its reader quit, is not printed. A disk that is
    full, or a place that cannot be written, is said in one sentence.
    """
    tolerate_any_text()
    try:
        with interruptible():
            status = work()
        _flush()
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
    except BrokenPipeError:
        silence_broken()
        status = EXIT_READER_GONE
    except OSError as error:
        if error.filename is None and error.errno not in _FULL:
            raise
        status = _refused(error)
    with suppress(BrokenPipeError):
        _flush()
    return status


def _refused(error: OSError) -> int:
    """Say why something cannot be written; what waits to be printed there goes nowhere."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            silence(stream)
    what, do = error.filename or "the output", "free some space there, or name another place"
    print(
        f"segue: [403 DATA_DISK] {what} cannot be written: {error.strerror}. What to do: {do}",
        file=sys.stderr,
    )
    return EXIT_ENVIRONMENT


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
