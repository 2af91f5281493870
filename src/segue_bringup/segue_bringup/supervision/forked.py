"""The supervisor's end of `fork_server`: a node in the time of a fork instead of that of Python's and ROS's imports."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from typing_extensions import Self

from segue_bringup.supervision.process import signal_group

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


class ForkServer:
    """Starts nodes by forking. It imports from the moment when it is made; use it as a context manager.

    Args:
        environment: what the imports read, such as the number of threads of linear algebra; each node has its own.
    """

    def __init__(self, environment: Mapping[str, str], modules: Sequence[str] = COMMON) -> None:
        self._line, theirs = socket.socketpair()
        self._said, self._gone = b"", False
        self._born: list[int] = []
        self._statuses: dict[int, int] = {}
        module = "segue_bringup.supervision.fork_server"
        words = [sys.executable, "-m", module, str(theirs.fileno()), _ROOM, *modules]
        with theirs:
            self._popen = subprocess.Popen(
                words,
                env={**environment, "SPT_NOENV": "1"},
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nodes that a supervisor has not ended by now are sent SIGTERM."""
        self._line.close()
        self._popen.kill()
        self._popen.wait()

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
        """Those that a dead server leaves behind are ended by SIGTERM."""
        self._line.settimeout(0.0)
        try:
            alive = self._listen()
        except BlockingIOError:
            alive = True
        return self._statuses.get(pid, None if alive else -signal.SIGTERM)

    def _listen(self) -> bool:
        """Take in what the server says; False when it is gone."""
        try:
            said = self._line.recv(65536)
        except ConnectionResetError:
            said = b""
        self._gone = not said
        *lines, self._said = (self._said + said).split(b"\n")
        for word in map(json.loads, lines):
            if "status" in word:
                self._statuses[word["pid"]] = word["status"]
            else:
                self._born.append(word["pid"])
        return bool(said)
