"""A process that has imported what all nodes import, and becomes a node by forking: imports happen once.

    supervisor  {"command": [...], ...}  ->          server: imports, then waits
                                                     41: a session of its own, its log, its title
                          <-  {"pid": 41}            41: runs the script, now that somebody knows of it
                          <-  {"pid": 41, "status": -9}

It has one thread and no ROS context, so that what is forked is whole. It ends when the supervisor does. If it is killed
before, its children are the supervisor's.
"""

import contextlib
import gc
import importlib
import inspect
import json
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import setproctitle
from rclpy.type_support import check_for_type_support

from segue_bringup.supervision.process import prepare


def _import(modules: Sequence[str]) -> None:
    for name in modules:
        with contextlib.suppress(Exception):  # the node that needs it says what is wrong with it
            importlib.import_module(name)
    _find_once()
    gc.collect()
    gc.freeze()  # what is shared stays shared: no collection writes to it


def _find_once() -> None:
    """What each node would look up in all that was imported: the C side of its messages, and who writes to its log."""
    packages = [module for name, module in sys.modules.items() if name.endswith((".msg", ".srv", ".action"))]
    for kind in {kind for package in packages for kind in vars(package).values() if isinstance(kind, type)}:
        if hasattr(kind, "__import_type_support__"):
            check_for_type_support(kind)
    inspect.getmodule(inspect.currentframe())


class _Server:
    def __init__(self, line: socket.socket, listening: int, held: int) -> None:
        self._line, self._asked = line, b""
        self._listening, self._held = listening, held
        self._woken, self._wake = socket.socketpair()
        for end in (self._woken, self._wake):
            end.setblocking(False)

    def serve(self) -> dict[str, Any] | None:
        """Fork on request. In a child: what it is to become. In the server: None, at the end of its supervisor."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        while True:
            ready, _, _ = select.select([self._line, self._woken], [], [])
            if self._woken in ready:
                self._woken.recv(4096)
                self._bury()
            if self._line in ready:
                said = self._line.recv(65536)
                if not said:
                    return None
                *lines, self._asked = (self._asked + said).split(b"\n")
                for asked in map(json.loads, lines):
                    if self._forked(asked):
                        return dict(asked)

    def _forked(self, asked: Mapping[str, Any]) -> bool:
        """True in the child, which has its session before it is told of, and runs only then."""
        ours, its = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for end in (self._line, self._woken, self._wake, ours):
                end.close()
            os.close(self._held)
            _become_process(asked, self._listening)
            with its:
                its.send(b"ready")
                if not its.recv(1):
                    os._exit(1)  # the server was killed, and nobody knows of this process
            return True
        its.close()
        with ours:
            ours.recv(8)
            self._tell(pid=pid)
            with contextlib.suppress(OSError):  # it was ended meanwhile
                ours.send(b"!")
        return False

    def _bury(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                killed = ended.si_code != os.CLD_EXITED
                self._tell(pid=ended.si_pid, status=-ended.si_status if killed else ended.si_status)
                os.waitpid(ended.si_pid, 0)  # told before: a server that is killed in between loses no status

    def _tell(self, **word: int) -> None:
        with contextlib.suppress(OSError):  # a supervisor that is gone is noticed by what it does not ask
            self._line.sendall(json.dumps(word).encode() + b"\n")


def _become_process(asked: Mapping[str, Any], listening: int) -> None:
    """What `subprocess` does for a program that it starts, and its title and name for `ps` and `top`."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for ordinary in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(ordinary, signal.SIG_DFL)
    log = os.open(asked["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for standard, source in enumerate((nothing, log, log)):
        os.dup2(source, standard)
    os.close(log)
    os.close(nothing)
    prepare(asked["nice"], asked["urgent"], listening)
    os.environ.clear()
    os.environ.update(asked["environment"])
    setproctitle.setproctitle(" ".join(asked["command"]))
    setproctitle.setthreadtitle(Path(asked["command"][0]).name)


def main(descriptor: str, listening: str, held: str, _: str, *modules: str) -> None:
    """Import, serve, and in a child run the script that was asked for, to the end of this interpreter."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    setproctitle.setproctitle(  # before the imports: it finds no place once one of them has set a variable
        f"{sys.executable} -m segue_bringup.supervision.fork_server"
    )
    line = socket.socket(fileno=int(descriptor))
    _import(modules)
    asked = _Server(line, int(listening), int(held)).serve()
    if asked:
        sys.argv = list(asked["command"])
        sys.path[0] = str(Path(sys.argv[0]).parent)
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
