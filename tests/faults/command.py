"""A `segue` command with somebody at its other end who can quit, beside a witness on its ROS domain."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread

from own_domain import own_domain

from .hands import PATIENCE_S, Hands

ROOT = Path(__file__).resolve().parents[2]
_MARK = "SEGUE_TESTED_COMMAND"
_POLL_S = 0.02


class Command(Hands):
    """A context around one command.

    Args:
        words: the command, without `segue`.
        terminal: whether it has a terminal for input and output, which can be closed; else it writes to a pipe.
        domain: of ROS; a free one by default.
        path: where the output goes instead.
    """

    def __init__(
        self,
        folder: Path,
        robot: str,
        *words: str,
        terminal: bool = False,
        domain: int | None = None,
        path: Path | None = None,
    ) -> None:
        super().__init__(own_domain() if domain is None else domain, robot)
        self.folder, self.words, self._terminal, self._path = folder, words, terminal, path
        self._mark = f"{os.getpid()}-{time.monotonic_ns()}"
        self._quit, self._heard = Event(), bytearray()

    def open(self, stack: ExitStack) -> None:
        """Start the command, begin to read, and join its domain."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ours, theirs = pty.openpty() if self._terminal else os.pipe()
        out = theirs if self._path is None else os.open(self._path, os.O_WRONLY)
        given = {
            _MARK: self._mark,
            "ROS_DOMAIN_ID": str(self.domain),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "segue_bringup.cli", *self.words],
            env={**os.environ, **given, "PYTHONUNBUFFERED": "1"},
            cwd=ROOT,
            stdin=theirs if self._terminal else subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if self._terminal else None,
        )
        os.close(theirs)
        reader = Thread(target=self._read, daemon=True)
        reader.start()
        stack.callback(self._give_up, reader)
        super().open(stack)

    def _read(self) -> None:
        poll = select.poll()
        poll.register(self._ours, select.POLLIN)
        with suppress(OSError):  # a terminal whose last user has gone
            while not self._quit.is_set():
                if poll.poll(1e3 * _POLL_S):
                    said = os.read(self._ours, 65536)
                    if not said:
                        break
                    self._heard += said
        self._quit.wait()
        os.close(self._ours)

    def _give_up(self, reader: Thread) -> None:
        for pid in self.alive():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._quit.set()
        reader.join()

    def logs(self) -> str:
        """What the command printed to whoever reads it."""
        return self._heard.decode(errors="replace")

    def says(self, text: str, limit_s: float = PATIENCE_S) -> None:
        """Come back when a text was printed."""
        self.until(
            lambda: text in self.logs() or self.process.poll() is not None, f"{text!r} is said", limit_s
        )
        assert text in self.logs(), f"ended with {self.process.poll()}\n{self.logs()}"

    def hang_up(self) -> float:
        """The reader quits, or the terminal is closed; the moment (steady clock)."""
        self._quit.set()
        return time.monotonic()

    def send(self, number: signal.Signals, times: int = 1) -> float:
        """Signal the command, as fast as can be; the moment (steady clock) of the first."""
        sent = time.monotonic()
        for _ in range(times):
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)
            time.sleep(_POLL_S)
        return sent

    def type(self, keys: bytes) -> None:
        """Keys of the terminal."""
        os.write(self._ours, keys)

    def alive(self) -> dict[int, str]:
        """All processes that come from the command, itself included, by their id."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"{_MARK}={self._mark}".encode() in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().decode().replace("\0", " ")
        return found

    def wait(self, limit_s: float = PATIENCE_S) -> int:
        """The exit status, as shells say it."""
        status = self.process.wait(limit_s)
        return status if status >= 0 else 128 - status
