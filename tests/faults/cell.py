"""Two machines with a graph on them: namespaces, a cable, and words for the hands at the robot."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.network.machines import POLICY, ROBOT, TwoMachines, why_not
from typing_extensions import Self

from .hands import TASKS

NO_NETWORK = why_not()
DOMAIN = 71
NEAR: Mapping[str, float] = {"delay_ms": 5.0, "jitter_ms": 1.0}
EVERYTHING = ("simulator", "controller", "perception", "scheduler", "policy")
_PATIENCE_S = 240.0


class Cell:
    """A context: the robot's machine and another one, with the nodes that run on each, and a cable.

    Args:
        here: the nodes of the robot's machine.
        there: those of the other; by default the policy alone, as `segue serve`, where it is not here.
        named: whether the robot's machine knows of the other one.
    """

    def __init__(
        self,
        folder: Path,
        robot: str,
        here: Sequence[str] = EVERYTHING[:-1],
        there: Sequence[str] = (),
        *,
        named: bool = True,
    ) -> None:
        self._folder, self._robot, self._here, self._there, self._named = folder, robot, here, there, named
        self._log, self._other_log = folder / "robot.txt", folder / "other.txt"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self.machines = stack.enter_context(TwoMachines())
            self.cable = self.machines.link
            self.cable(**NEAR)
            self.other = self._start_other()
            self._hands = self._start(ROBOT, "robot", self._here, self._log)
            stack.callback(self._end)
            self._answer()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def do(self, word: str) -> dict[str, Any]:
        """Have the robot's machine do something; what it says when that has come true."""
        assert self._hands.stdin is not None
        self._hands.stdin.write(f"{word}\n".encode())
        self._hands.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        output = self._hands.stdout
        assert output is not None
        came, _, _ = select.select([output], [], [], _PATIENCE_S)
        line = output.readline() if came else b""
        logs = [log.read_text(errors="replace") for log in (self._log, self._other_log) if log.is_file()]
        assert line, "no answer\n" + "\n".join(logs)
        return dict(json.loads(line))

    def _start_other(self) -> "subprocess.Popen[bytes] | None":
        if self._there:
            return self._start(POLICY, "other", self._there, self._other_log)
        if "policy" in self._here:
            return None
        words = [
            f"robot:={self._robot}",
            f"task:={TASKS[self._robot]}",
            "policy:=sway",
            "--out",
            str(self._folder),
        ]
        command = [sys.executable, "-m", "segue_bringup.cli", "serve", *words]
        return self.machines.start(POLICY, command, self._environment, self._other_log)

    def _start(self, side: int, name: str, nodes: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
        words = [str(self._folder / name), self._robot, str(DOMAIN), *nodes]
        command = [sys.executable, "-m", "tests.faults.machine", *words]
        pipe = subprocess.PIPE
        return self.machines.start(side, command, self._environment, log, told=pipe, tells=pipe)

    @property
    def _environment(self) -> dict[str, str]:
        alone = {} if self._named else {"ROS_STATIC_PEERS": ""}
        fixed = {"ROS_DOMAIN_ID": str(DOMAIN), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
        return {**fixed, **alone, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(sys.path)}

    def _end(self) -> None:
        """A machine ends by itself when nobody tells it anything any more."""
        told = [process for process in (self._hands, self.other) if process is not None and process.stdin]
        for process in told:
            if process.stdin:
                process.stdin.close()
        for process in told:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
