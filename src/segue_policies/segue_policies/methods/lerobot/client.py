"""LeRobot's process as a policy sees it: started beside it or found on another machine; what is said when it fails.

Its end is noticed at once, a hang after a time; either way every later request is refused with the same sentence.
"""

from __future__ import annotations

import contextlib
import hashlib
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.files import read_bytes
from segue_policies.methods.lerobot import lerobot_server
from segue_policies.methods.lerobot.contract import CONFIG
from segue_policies.methods.lerobot.lerobot_server.serving import FORMAT
from segue_policies.methods.lerobot.lerobot_server.wire import Arrays, receive, send
from segue_policies.methods.lerobot.place import Place
from segue_policies.runtime import Runtime

PROGRAM = Path(lerobot_server.__file__).parent
START_TIMEOUT_S = 280.0
"""Patience with a network that is loaded; the graph waits 300 s for the node."""
CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 300.0
"""Patience with one answer. A run's own time-outs are shorter; this is so that nothing hangs for ever."""
_GRACE_S = 3.0
_LAST_LINES = 6


class _Child:
    """The process, and the last lines that it printed; all of them go to our standard error."""

    def __init__(self, command: list[str], theirs: socket.socket) -> None:
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self.process = subprocess.Popen(
            [*command, "--socket", str(theirs.fileno())],
            stdin=subprocess.PIPE,  # never written to: its end is ours
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=[theirs.fileno()],
        )
        self._reader = threading.Thread(target=self._read, name="lerobot output", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line.rstrip())
            sys.stderr.write(f"lerobot: {line}")

    def how_it_ended(self) -> str:
        """For people; waits a moment for the end."""
        try:
            status = self.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            return "closed its connection"
        self._reader.join(_GRACE_S)
        how = f"ended with status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"
        said = " | ".join(line.strip() for line in self._lines if line)
        return how + (f"; the last it printed: {said}" if said else "")

    def end(self) -> None:
        """End it, if need be by force."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class LeRobotServer:
    """A connection to a network that is loaded. For one thread at a time."""

    def __init__(self, connection: socket.socket, name: str, child: _Child | None = None) -> None:
        self._connection, self._name, self._child = connection, name, child
        self._ended = ""
        self._close = weakref.finalize(self, _let_go, connection, child)
        patience = START_TIMEOUT_S if child else CONNECT_TIMEOUT_S
        when = "before it was ready" if child else "when it was greeted; it serves one policy at a time"
        self.facts, _ = self._answer(patience, when, ErrorCode.POLICY_NOT_READY)
        if self.facts.get("format") != FORMAT:
            self.close()
            raise PolicyError(
                ErrorCode.POLICY_NOT_READY,
                f"{name} speaks another format",
                got=self.facts.get("format"),
                expected=FORMAT,
                do="run the lerobot_server of this Segue there",
            )

    def draw(self, asked: Mapping[str, Any], arrays: Arrays) -> NDArray[Any]:
        """Chunks (count, H, D) as `LeRobotNetwork.draw` gives them, not checked.

        Raises:
            PolicyError: what the server refused, or POLICY_FAILED when it is gone, POLICY_TIMEOUT when it is silent.
        """
        if self._ended:
            raise PolicyError(ErrorCode.POLICY_FAILED, self._ended)
        try:
            self._connection.settimeout(ANSWER_TIMEOUT_S)
            send(self._connection, asked, arrays)
        except OSError:
            raise self._over(ErrorCode.POLICY_FAILED, self._gone("between two requests")) from None
        _, answer = self._answer(ANSWER_TIMEOUT_S, "while it was asked for a chunk")
        if "chunks" not in answer:
            raise self._over(ErrorCode.POLICY_FAILED, f"{self._name} answered without a chunk")
        chunks: NDArray[Any] = answer["chunks"]
        return chunks

    def close(self) -> None:
        """Let go of the connection, and end a process that was started. Safe to call twice."""
        self._ended = self._ended or f"{self._name} was let go of"
        self._close()

    def _answer(
        self, timeout_s: float, when: str, gone: ErrorCode = ErrorCode.POLICY_FAILED
    ) -> tuple[dict[str, Any], Arrays]:
        try:
            message, arrays = receive(self._connection, timeout_s)
        except TimeoutError:
            text = f"{self._name} gave no answer in {timeout_s:g} s, {when}"
            raise self._over(ErrorCode.POLICY_TIMEOUT, text) from None
        except (OSError, EOFError):
            raise self._over(gone, self._gone(when)) from None
        except ValueError as error:
            raise self._over(ErrorCode.POLICY_FAILED, f"{self._name} sent {error}") from None
        if "code" in message:
            raise _as_error(message)
        return message, arrays

    def _gone(self, when: str) -> str:
        how = self._child.how_it_ended() if self._child else "closed its connection"
        return f"{self._name}, {when}, {how}"

    def _over(self, code: ErrorCode, text: str) -> PolicyError:
        self._ended = text
        self._close()
        return PolicyError(code, text)


def _let_go(connection: socket.socket, child: _Child | None) -> None:
    connection.close()
    if child:
        child.end()


def _as_error(message: Mapping[str, Any]) -> PolicyError:
    code = ErrorCode.__members__.get(str(message["code"]), ErrorCode.POLICY_FAILED)
    known = code if int(code) in PolicyError.codes else ErrorCode.POLICY_FAILED
    return PolicyError(known, str(message.get("text", "")))


def open_server(place: Place, folder: Path, runtime: Runtime | None = None) -> LeRobotServer:
    """The server of a checkpoint, ready to draw: a process of our own, or a connection to one that runs elsewhere.

    Raises:
        PolicyError: it does not start, cannot load the checkpoint, is not there, or serves another checkpoint.
        ConfigError: the interpreter cannot be run.
    """
    wanted = runtime or Runtime()
    if place.address is not None:
        return _connect(place.address, folder)
    ours, theirs = socket.socketpair()
    command = [
        str(place.python),
        "-E",
        "-u",
        str(PROGRAM),
        str(folder.absolute()),
        "--threads",
        str(wanted.threads or 0),
        "--device",
        wanted.device,
    ]
    with theirs:
        try:
            child = _Child(command, theirs)
        except OSError as error:
            ours.close()
            raise ConfigError(
                ErrorCode.ENVIRONMENT_INCOMPLETE, f"{place.python}: {error.strerror}"
            ) from error
    return LeRobotServer(ours, f"LeRobot's process ({place.python})", child)


def _connect(address: tuple[str, int], folder: Path) -> LeRobotServer:
    name = "LeRobot's server at {}:{}".format(*address)
    try:
        connection = socket.create_connection(address, CONNECT_TIMEOUT_S)
    except OSError as error:
        text = f"{name} is not there ({error.strerror or error})"
        do = "start it: python lerobot_server CHECKPOINT --listen"
        raise PolicyError(ErrorCode.POLICY_NOT_READY, text, do=do) from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = LeRobotServer(connection, name)
    if server.facts.get("config") != hashlib.sha256(read_bytes(folder / CONFIG)).hexdigest():
        server.close()
        text = f"{name} serves another checkpoint than {folder}: their {CONFIG} differ"
        raise PolicyError(ErrorCode.CHECKPOINT_MISMATCH, text)
    return server
