"""The server: a network is loaded once and draws chunks for whoever is connected, one at a time.

`--socket N` is the end of a socket that the policy opened when it started this process, which ends with its standard
input: that closes when the policy's process ends, however it ends. `--listen HOST:PORT` is for a start by hand, on
another machine, and serves until Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from .wire import Arrays, Refused, receive, send

FORMAT = 2
"""Of the messages; both sides must have the same."""


class Network(Protocol):
    """What is served."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What a client is told when it connects."""
        ...

    def draw(self, asked: Mapping[str, Any], arrays: Arrays) -> NDArray[Any]:
        """Chunks (count, H, D) in physical units, or Refused."""
        ...


Load = Callable[[Path, int, str], Network]


def _load(folder: Path, threads: int, device: str) -> Network:
    from .network import load

    return load(folder, threads, device)


def answer(connection: socket.socket, network: Network) -> None:
    """Say what is served, then answer until the other side closes."""
    send(connection, {"format": FORMAT, **network.facts})
    while True:
        try:
            asked, arrays = receive(connection)
        except (EOFError, ConnectionError):
            return
        send(connection, *_reply(network, asked, arrays))


def _reply(network: Network, asked: Mapping[str, Any], arrays: Arrays) -> tuple[Mapping[str, Any], Arrays]:
    try:
        return {}, {"chunks": network.draw(asked, arrays)}
    except Refused as error:
        return error.message(), {}
    except Exception as error:  # of any library that a policy is made of
        return {"code": "POLICY_FAILED", "text": f"{type(error).__name__}: {error}"}, {}


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def _serve_parent(number: int, load: Callable[[], Network]) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the node ends first, then this
    threading.Thread(target=_end_with_input, daemon=True).start()
    with socket.socket(fileno=number) as connection:
        try:
            network = load()
        except Refused as error:
            send(connection, error.message())
            return 1
        answer(connection, network)
    return 0


def _listen(address: str, load: Callable[[], Network]) -> int:
    host, _, port = address.rpartition(":")
    try:
        network = load()
    except Refused as error:
        print(error.text, file=sys.stderr)
        return 1
    with socket.create_server((host.strip("[]"), int(port))) as server:
        print(f"serving on {host}:{server.getsockname()[1]}; Ctrl-C ends", flush=True)
        while True:
            connection, peer = server.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            print(f"{peer[0]} connected", flush=True)
            with connection:
                try:
                    answer(connection, network)
                except (OSError, ValueError) as error:
                    print(f"{peer[0]}: {error}", file=sys.stderr)
            print(f"{peer[0]} is gone", flush=True)


def main(arguments: Sequence[str] | None = None, load: Load = _load) -> int:
    """Entry point; 0, or 1 with one sentence."""
    parser = argparse.ArgumentParser(
        prog="lerobot_server", description="Serve a checkpoint of LeRobot to Segue."
    )
    parser.add_argument("checkpoint", type=Path, help="LeRobot's pretrained_model folder")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--listen", metavar="HOST:PORT", help="such as 127.0.0.1:7777; there is no password")
    how.add_argument("--socket", type=int, metavar="N", help="used by Segue itself")
    parser.add_argument(
        "--threads", type=int, default=0, help="CPU threads of one inference; 0: torch's own choice"
    )
    parser.add_argument(
        "--device", default="auto", help="auto (cuda where there is one), cpu, cuda, cuda:1 ..."
    )
    given = parser.parse_args(arguments)

    def loaded() -> Network:
        return load(given.checkpoint, given.threads, given.device)

    try:
        return _serve_parent(given.socket, loaded) if given.listen is None else _listen(given.listen, loaded)
    except KeyboardInterrupt:
        return 130
