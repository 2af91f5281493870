"""A process that has imported what all nodes import, and becomes a node by forking: imports happen once.

    supervisor  {"command": [...], ...}  ->          server: imports, then waits
                                                     41: a session of its own, its log, its title
                          <-  {"pid": 41}            41: runs the script, now that somebody knows of it
                          <-  {"pid": 41, "status": -9}

A node that imports much more than the others has a head start: a child that imports what it will need and waits to be
told its command.

    supervisor  {"script": ..., "modules": [...]}  ->     42: imports, while the others start
                          <-  {"ahead": 42}
                {"command": [script, ...], ...}    ->     42: its log, its title
                          <-  {"pid": 42}                 42: runs the script

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
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

import setproctitle
from rclpy.type_support import check_for_type_support

from segue_bringup.supervision.lifeline import hold_on
from segue_bringup.supervision.process import prepare


def _import(modules: Sequence[str]) -> None:
    for name in modules:
        with contextlib.suppress(Exception):  # the node that needs it says what is wrong with it
            importlib.import_module(name)


def _import_what_is_shared(modules: Sequence[str]) -> None:
    _import(modules)
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
        self._ahead: dict[str, tuple[int, socket.socket]] = {}  # by script, process id and the line to it
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
                    if told := self._did(asked):
                        return told

    def _did(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """In a child: what it is to become."""
        if "modules" in asked:
            pid, line = self._forked(_begin_session)
            if pid == 0:
                return _wait_ahead(asked["modules"], line, self._listening)
            self._ahead[asked["script"]] = pid, line
            self._tell(ahead=pid)
            _say(line, "go")
        elif ahead := self._ahead.pop(asked["command"][0], None):
            pid, line = ahead
            _say(line, json.dumps(asked))
            self._tell(pid=pid)
            _say(line, "go")
            line.close()
        else:
            pid, line = self._forked(partial(_become_process, asked, self._listening))
            if pid == 0:
                with line, line.makefile("rb") as words:
                    _heard(words)
                return asked
            self._tell(pid=pid)
            _say(line, "go")
            line.close()
        return None

    def _forked(self, first: Callable[[], None]) -> tuple[int, socket.socket]:
        """Process id, 0 in the child, and the line between the two; the child does `first` before it is told of."""
        ours, its = socket.socketpair()
        pid = os.fork()
        if pid:
            its.close()
            ours.recv(8)
            return pid, ours
        signal.set_wakeup_fd(-1)
        for end in (self._line, self._woken, self._wake, ours, *(line for _, line in self._ahead.values())):
            end.close()
        os.close(self._held)
        first()
        its.send(b"ready")
        return 0, its

    def _bury(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                self._ahead = {s: ahead for s, ahead in self._ahead.items() if ahead[0] != ended.si_pid}
                killed = ended.si_code != os.CLD_EXITED
                self._tell(pid=ended.si_pid, status=-ended.si_status if killed else ended.si_status)
                os.waitpid(ended.si_pid, 0)  # told before: a server that is killed in between loses no status

    def _tell(self, **word: int) -> None:
        _say(self._line, json.dumps(word))  # a supervisor that is gone is noticed by what it does not ask


def _say(line: socket.socket, word: str) -> None:
    with contextlib.suppress(OSError):  # whoever listened was ended
        line.sendall(word.encode() + b"\n")


def _wait_ahead(modules: Sequence[str], line: socket.socket, listening: int) -> dict[str, Any]:
    """Import before it is known what for; what is said meanwhile comes into the log."""
    hold_on(listening)
    said = os.memfd_create("said")
    for standard in (1, 2):
        os.dup2(said, standard)
    with line, line.makefile("rb") as words:
        _heard(words)
        gc.disable()
        _import(modules)
        gc.freeze()
        gc.enable()
        asked: dict[str, Any] = json.loads(_heard(words))
        _become_process(asked, listening)
        os.write(1, os.pread(said, os.fstat(said).st_size, 0))
        os.close(said)
        _heard(words)
    return asked


def _heard(words: IO[bytes]) -> bytes:
    """The next word of the server; this process ends if that was killed, and nobody knows of it."""
    if not (word := words.readline()):
        os._exit(1)
    return word


def _begin_session() -> None:
    if os.getsid(0) != os.getpid():
        os.setsid()
    for ordinary in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(ordinary, signal.SIG_DFL)


def _become_process(asked: Mapping[str, Any], listening: int) -> None:
    """What `subprocess` does for a program that it starts, and its title and name for `ps` and `top`."""
    _begin_session()
    signal.signal(signal.SIGINT, signal.default_int_handler)
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
    _import_what_is_shared(modules)
    asked = _Server(line, int(listening), int(held)).serve()
    if asked:
        sys.argv = list(asked["command"])
        sys.path[0] = str(Path(sys.argv[0]).parent)
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
