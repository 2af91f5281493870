"""Starts every process of a plan, restarts them by policy and stops them all, leaving none behind."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from typing_extensions import Self

from segue_bringup.graph import Respawn
from segue_bringup.supervision import guardian
from segue_bringup.supervision.dead_memory import clear_dead_memory
from segue_bringup.supervision.forked import Forked, ForkServer
from segue_bringup.supervision.lifeline import lifeline
from segue_bringup.supervision.logs import went_well, without_stamp
from segue_bringup.supervision.process import Process, describe_exit
from segue_core.errors import ConfigError, ErrorCode

# Patience with a node that is asked to stop: first SIGINT (close files, shut down DDS), then SIGTERM, then the end.
_ESCALATION = ((signal.SIGINT, 8.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0))
_POLL_S = 0.02


@dataclass(frozen=True)
class Job:
    """One process to keep."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    required: bool = False
    respawn: Respawn = field(default_factory=Respawn)
    nice: int = 0
    urgent: bool = False
    ends_last: bool = False


@dataclass
class _Kept:
    job: Job
    process: Process | Forked | None = None
    restarts: int = 0
    restart_at: float | None = None  # steady clock [s]


class Supervisor:
    """Owns the processes of one graph. Use it as a context manager.

    Args:
        report: called with one line for people when a process exits or is restarted.
        clock: steady seconds.
        server: what starts the scripts that it takes, sooner than they start by themselves; it outlives this.
    """

    def __init__(
        self,
        report: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        server: ForkServer | None = None,
    ) -> None:
        self._report, self._clock, self._server = report, clock, server
        self._kept: dict[str, _Kept] = {}
        self._guardian = subprocess.Popen(
            [sys.executable, "-S", str(guardian.__file__)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(lifeline()[1],),
        )

    def __enter__(self) -> Self:
        if freed := clear_dead_memory() // 1_000_000:
            self._report(f"freed {freed} MB of shared memory that killed processes had left behind")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """Process id by name, of those that run."""
        return {name: kept.process.pid for name, kept in self._kept.items() if kept.process}

    def start(self, job: Job) -> None:
        """Start a process and keep it."""
        kept = self._kept[job.name] = _Kept(job)
        self._launch(kept)

    def poll(self) -> None:
        """Look after the processes once; call it often.

        Raises:
            ConfigError: a required process is gone and may not be restarted (any more).
        """
        if self._server and (how := self._server.lost()):
            self._report(f"{how}: its nodes go on, and those that start again take longer")
        for kept in self._kept.values():
            status = kept.process.exit_status() if kept.process else None
            if status is not None:
                self._exited(kept, status)
            if kept.restart_at is not None and self._clock() >= kept.restart_at:
                self._launch(kept)

    def stop(self) -> None:
        """End every process: SIGINT, then SIGTERM, then SIGKILL, each with its time-out. Safe to call twice."""
        for number, patience in _ESCALATION:
            running = self._running()
            for process in running:
                process.send(number)
            self._wait(patience)
        for kept in self._kept.values():
            self._forget(kept)
            kept.restart_at = None
        self._dismiss_guardian()

    def _running(self) -> list[Process | Forked]:
        found = [kept.process for kept in self._kept.values() if kept.process]
        return [process for process in found if process.exit_status() is None]

    def _wait(self, patience: float) -> None:
        deadline = self._clock() + patience
        while self._running() and self._clock() < deadline:
            time.sleep(_POLL_S)

    def _launch(self, kept: _Kept) -> None:
        kept.restart_at = None
        kept.process = self._begun(kept.job)
        self._tell_guardian(f"+{kept.process.pid}{' last' if kept.job.ends_last else ''}")

    def _begun(self, job: Job) -> Process | Forked:
        how = job.command, job.environment, job.log, job.nice, job.urgent
        if self._server and self._server.takes(job.command):
            try:
                return self._server.start(*how)
            except OSError as error:
                self._report(f"{error}: nodes start by themselves, which takes longer")
        return Process(*how)

    def _exited(self, kept: _Kept, status: int) -> None:
        job, how = kept.job, describe_exit(status)
        self._forget(kept)
        if kept.restarts < job.respawn.attempts:
            kept.restarts += 1
            kept.restart_at = self._clock() + job.respawn.delay_s
            self._report(f"{job.name} ended ({how}); restart {kept.restarts} of {job.respawn.attempts}")
            return
        self._report(f"{job.name} ended ({how})")
        if job.required:
            text = (
                f"node {job.name!r} ended ({how}) and the graph cannot go on without it{last_words(job.log)}"
            )
            raise ConfigError(ErrorCode.PROCESS_FAILED, text, do=_what_to_do(status, job.log))

    def _forget(self, kept: _Kept) -> None:
        if kept.process:
            kept.process.send(signal.SIGKILL)  # what it may have left in its group
            self._tell_guardian(f"-{kept.process.pid}")
        kept.process = None

    def _tell_guardian(self, line: str) -> None:
        stream = self._guardian.stdin
        if stream and not stream.closed:
            try:
                stream.write(f"{line}\n".encode())
                stream.flush()
            except BrokenPipeError:
                self._report("the guardian process is gone: a killed supervisor may leave nodes behind")

    def _dismiss_guardian(self) -> None:
        if self._guardian.stdin and not self._guardian.stdin.closed:
            self._guardian.stdin.close()
        self._guardian.wait(timeout=10)


def last_words(log: Path, lines: int = 3) -> str:
    """The end of a log, to append to an error; empty when there is none. What went well is no reason."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
    said = [line for line in text.splitlines() if not went_well(line)]
    return "".join(f"\n    {without_stamp(line)}" for line in said[-lines:])


def _what_to_do(status: int, log: Path) -> str:
    if status != -signal.SIGKILL:
        return f"look into {log}"
    who = "somebody, or the system for want of memory (sudo dmesg | grep -i 'killed process'), killed it"
    return f"{who}; what it did before is in {log}"
