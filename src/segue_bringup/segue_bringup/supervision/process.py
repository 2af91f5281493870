"""One supervised process: its own process group, its output in a file, gone when nobody is left to end it."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from segue_bringup.supervision.lifeline import hold_on, lifeline
from segue_bringup.supervision.urgency import make_urgent


def prepare(nice: int, urgent: bool, listening: int) -> None:
    """In the child: what it is ended by when nobody else is left to do it; its niceness or urgency."""
    hold_on(listening)
    os.nice(nice)
    if urgent:
        make_urgent()


class Process:
    """A child in a session of its own, so that Ctrl-C in the terminal reaches only its supervisor."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        nice: int = 0,
        urgent: bool = False,
    ) -> None:
        self.command, self.log = tuple(command), log
        log.parent.mkdir(parents=True, exist_ok=True)
        listening, _ = lifeline()
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                self.command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(listening,),
                preexec_fn=partial(prepare, nice, urgent, listening),
            )

    @property
    def pid(self) -> int:
        """Process id, which is also that of its group."""
        return self._popen.pid

    def exit_status(self) -> int | None:
        """None while it runs; else its exit code, or minus the signal that ended it."""
        return self._popen.poll()

    def send(self, number: signal.Signals) -> None:
        """Signal the whole group; nothing happens when it is gone."""
        signal_group(self.pid, number)


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to every process of a group; nothing happens when there is none."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def describe_exit(status: int) -> str:
    """An exit status in words: "exit code 3" or "killed by SIGKILL"."""
    if status >= 0:
        return f"exit code {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
