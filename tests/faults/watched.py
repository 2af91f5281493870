"""A `segue run` with a witness on its domain: what a user starts, and what becomes of it."""

import json
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from own_domain import own_domain
from tests.system.conftest import Segue

from .hands import TASKS, Hands


class Watched(Hands):
    """A context around one `segue run` of a robot that sways.

    Args:
        words: `name:=value` and options besides robot, task and policy; a later one of a name wins.
    """

    def __init__(self, folder: Path, robot: str = "franka", *words: str) -> None:
        super().__init__(own_domain(), robot)
        self.folder = folder
        usual = (
            f"robot:={robot}",
            f"task:={TASKS[robot]}",
            "policy:=sway",
            "time_limit_s:=600",
            "frames:=false",
        )
        names = {word.partition(":=")[0] for word in words if ":=" in word}
        kept = [word for word in usual if word.partition(":=")[0] not in names]
        self.words = ["run", *kept, *words, "--no-report", "--out", str(folder / "runs")]

    def open(self, stack: ExitStack) -> None:
        """Start the run and join its domain."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run = Segue(self.folder, *self.words, domain=str(self.domain))
        stack.callback(self.run.kill)
        super().open(stack)

    def logs(self) -> str:
        """What the run printed."""
        return self.run.output

    def moving(self) -> "Watched":
        """Itself, when the arm is in full motion."""
        self.run.wait_for("running")
        self.in_motion()
        return self

    def pid(self, name: str) -> int:
        """Process id of a node."""
        return next(pid for pid, command in self.run.nodes().items() if f"__node:={name}" in command)

    def signal(self, name: str, number: signal.Signals) -> float:
        """Signal a node's process; the moment (steady clock) at which it was done."""
        os.kill(self.pid(name), number)
        return time.monotonic()

    def told(self) -> dict[str, Any]:
        """The run's result.json."""
        return dict(json.loads(next(self.folder.rglob("result.json")).read_text(encoding="utf-8")))
