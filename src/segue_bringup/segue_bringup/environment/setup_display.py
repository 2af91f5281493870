"""Live progress of set-up: step n of m, elapsed time, and the last line that a command printed."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TextIO

from segue_bringup.environment.errors import EnvironmentProblem

QUIET_INTERVAL_S = 20.0  # without a terminal, one line this often
TAIL_LINES = 20
_STOP_GRACE_S = 10.0


def elapsed_text(seconds: float) -> str:
    """As in "7 s" or "2 min 05 s"."""
    whole = int(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


class SetupDisplay:
    """Prints numbered steps. Used from one thread."""

    def __init__(self, total: int, stream: TextIO = sys.stderr) -> None:
        self._total, self._stream = total, stream
        self._live = stream.isatty()
        self._number, self._title = 0, ""
        self._created = self._begin = self._last = time.monotonic()

    @property
    def age_s(self) -> float:
        """Time since the first step was about to start [s]."""
        return time.monotonic() - self._created

    def start(self, title: str) -> None:
        """Begin the next step."""
        self._number, self._title = self._number + 1, title
        self._begin = self._last = time.monotonic()
        if not self._live:
            self._print(f"{self._head()} ...")
        self.tick("")

    def tick(self, detail: str) -> None:
        """Show that the step goes on; `detail` is cut to the width of the terminal."""
        now = time.monotonic()
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            text = f"{self._head()} ({elapsed_text(now - self._begin)}) {detail.strip()}"
            self._stream.write("\r\x1b[K" + text[:width])
            self._stream.flush()
        elif now - self._last >= QUIET_INTERVAL_S:
            self._last = now
            self._print(f"{self._head()} ... {elapsed_text(now - self._begin)}")

    def note(self, text: str) -> None:
        """A line that stays."""
        self._print(("\r\x1b[K" if self._live else "") + f"      {text}")

    def finish(self) -> None:
        """The step is done."""
        taken = elapsed_text(time.monotonic() - self._begin)
        self._print(("\r\x1b[K" if self._live else "") + f"{self._head()}: done in {taken}")

    def end_line(self) -> None:
        """Leave the live line, before an error is printed below it."""
        if self._live and self._title:
            self._print("")

    def _head(self) -> str:
        return f"[{self._number}/{self._total}] {self._title}"

    def _print(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


class LoggedCommand:
    """Runs one command in its own process group, with its output in a log file and on the progress line."""

    def __init__(self, display: SetupDisplay, log: Path) -> None:
        self._display, self._log = display, log

    def run(self, command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> None:
        """Run to the end; on Ctrl-C the whole group is stopped before the interrupt goes on.

        Raises:
            EnvironmentProblem: the command failed; names the log and shows its last lines.
        """
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a") as log:
            log.write(f"$ {' '.join(command)}\n")
            log.flush()
            process = subprocess.Popen(
                command, env=dict(environment), cwd=cwd, text=True, errors="replace", bufsize=1,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                self._follow(process, log)
            except BaseException:
                _stop_group(process)
                raise
        if process.returncode != 0:
            raise self._failure(command, process.returncode)

    def _follow(self, process: "subprocess.Popen[str]", log: TextIO) -> None:
        assert process.stdout is not None  # it was opened with a pipe
        latest = [""]
        reader = threading.Thread(target=_copy_lines, args=(process.stdout, log, latest), daemon=True)
        reader.start()
        while reader.is_alive():
            reader.join(timeout=0.5)
            self._display.tick(latest[0])
        process.wait()

    def _failure(self, command: Sequence[str], status: int) -> EnvironmentProblem:
        tail = self._log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        shown = "\n".join(f"  | {line}" for line in tail)
        return EnvironmentProblem(
            f"`{Path(command[0]).name} {' '.join(command[1:4])} ...` ended with status {status}:\n{shown}",
            f"read {self._log}, remove the cause and run the same command again; finished steps are kept",
        )


def _copy_lines(source: IO[str], log: TextIO, latest: list[str]) -> None:
    for line in source:
        log.write(line)
        log.flush()
        latest[0] = line


def _stop_group(process: "subprocess.Popen[str]") -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=_STOP_GRACE_S)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
