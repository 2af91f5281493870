"""The supervisor's end of `fork_server`: a node in the time of a fork instead of that of Python's and ROS's imports."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from typing_extensions import Self

from segue_bringup.supervision.lifeline import lifeline
from segue_bringup.supervision.process import describe_exit, signal_group

COMMON: Final = (
    "segue_ros.lifecycle",
    "segue_ros.conversions",
    "segue_ros.parameters",
    "segue_ros.joint_states",
    "segue_core.contracts.robot",
    "segue_core.contracts.task",
    "segue_core.scheduler_config",
    "segue_control.robot.kinematics",
    "rclpy.action",
)
"""What most nodes import. More would only make those wait that do not need it."""
_PR_SET_CHILD_SUBREAPER: Final = 36
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_ROOM: Final = "." * 2000
"""A process's title has at most the length of the command line that it began with."""


@dataclass(frozen=True)
class Forked:
    """A process that a fork server started; what `Process` is for those that begin by themselves."""

    pid: int
    _status: Callable[[int], int | None]

    def exit_status(self) -> int | None:
        """As `Process.exit_status`."""
        return self._status(self.pid)

    def send(self, number: signal.Signals) -> None:
        """As `Process.send`."""
        signal_group(self.pid, number)


class _Adoption:
    """While it is wanted, this process becomes the parent of its grandchildren when their own dies."""

    wanted = 0

    @classmethod
    def want(cls, more: int) -> None:
        cls.wanted += more
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, int(cls.wanted > 0))


class ForkServer:
    """Starts nodes by forking. It imports from the moment when it is made; use it as a context manager.

    When it is killed its nodes go on, as children of this process.

    Args:
        environment: what the imports read, such as the number of threads of linear algebra; each node has its own.
    """

    def __init__(self, environment: Mapping[str, str], modules: Sequence[str] = COMMON) -> None:
        self._line, theirs = socket.socketpair()
        self._said, self._gone, self._lost = b"", False, False
        self._born: list[int] = []
        self._ahead: set[int] = set()
        self._statuses: dict[int, int] = {}
        module = "segue_bringup.supervision.fork_server"
        given = (theirs.fileno(), *lifeline())
        words = [sys.executable, "-m", module, *map(str, given), _ROOM, *modules]
        _Adoption.want(+1)
        with theirs:
            self._popen = subprocess.Popen(
                words,
                env={**environment, "SPT_NOENV": "1"},
                stdin=subprocess.DEVNULL,
                pass_fds=given,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Its nodes are to be ended before."""
        self._hear()
        self._line.close()
        self._popen.kill()
        self._popen.wait()
        for pid in self._ahead:  # nobody has asked for them
            signal_group(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        _Adoption.want(-1)

    def ahead(self, script: str, modules: Sequence[str]) -> None:
        """Have these modules imported for the next process that runs a script, while the others start."""
        with suppress(OSError):  # a server that is gone is noticed when it is asked to start it
            self._line.settimeout(None)
            self._line.sendall(json.dumps({"script": script, "modules": list(modules)}).encode() + b"\n")

    def takes(self, command: Sequence[str]) -> bool:
        """Whether it can start this: a script of the Python that it is itself, while it lives."""
        try:
            with Path(command[0]).open("rb") as script:
                first = script.readline(4096)
        except OSError:
            return False
        there = not self._gone and self._popen.poll() is None
        return there and first.strip() == f"#!{sys.executable}".encode()

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, nice: int, urgent: bool
    ) -> Forked:
        """Start a script. OSError when the server is gone."""
        log.parent.mkdir(parents=True, exist_ok=True)
        asked = {
            "command": list(command), "environment": dict(environment), "log": str(log.absolute()),
            "nice": nice, "urgent": urgent,
        }  # fmt: skip
        self._line.settimeout(None)
        self._line.sendall(json.dumps(asked).encode() + b"\n")
        while not self._born:
            if not self._listen():
                raise BrokenPipeError("the fork server is gone")
        return Forked(self._born.pop(), self._exit_status)

    def _exit_status(self, pid: int) -> int | None:
        self._hear()
        if pid not in self._statuses and self._gone:
            self._popen.wait()  # from here on the nodes are this process's children
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._statuses[pid] = os.waitstatus_to_exitcode(status)
        return self._statuses.get(pid)

    def lost(self) -> str:
        """How it has ended, if it did without being asked to: told once, and empty otherwise."""
        self._hear()
        if self._lost or not self._gone:
            return ""
        self._lost = True
        return f"the process that starts nodes ended ({describe_exit(self._popen.wait())})"

    def _hear(self) -> None:
        """Take in what was said by now."""
        self._line.settimeout(0.0)
        with suppress(BlockingIOError):
            self._listen()

    def _listen(self) -> bool:
        """Take in what the server says; False when it is gone."""
        try:
            said = self._line.recv(65536)
        except ConnectionResetError:
            said = b""
        self._gone = not said
        *lines, self._said = (self._said + said).split(b"\n")
        for word in map(json.loads, lines):
            if "ahead" in word:
                self._ahead.add(word["ahead"])
                continue
            self._ahead.discard(word["pid"])
            if "status" in word:
                self._statuses[word["pid"]] = word["status"]
            else:
                self._born.append(word["pid"])
        return bool(said)
