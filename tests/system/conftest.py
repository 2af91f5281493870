"""Runs of the real command line, each with its own ROS domain, temporary folder and processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from segue_core.errors import ErrorCode

ROOT = Path(__file__).resolve().parents[2]


PATIENCE_S = 120.0  # for what takes seconds on a machine that has nothing else to do


SPEEDS = (1.0, 0.3)  # simulated seconds per second at most, tried in this order
# The guard stopped a robot whose own machine was late.
TOO_BUSY = (ErrorCode.CONTROL_COMMAND_STALE, ErrorCode.CONTROL_STATE_STALE, ErrorCode.CONTROL_OVERRUN)
STARVED = 0.02  # of the ticks, at most


def wait_until(condition: Callable[[], bool], limit_s: float = PATIENCE_S) -> bool:
    """Real processes need real time: poll for what must come true."""
    deadline = time.monotonic() + limit_s
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return true


def processes_of(folder: Path) -> dict[int, str]:
    """Running processes with a path below `folder` on their command line: the nodes of the runs in it."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            zombie = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
        if str(folder) in command and "segue_bringup.cli" not in command and not zombie:
            found[int(entry.name)] = command
    return found


class Segue:
    """One `segue` command as a process."""

    def __init__(self, folder: Path, *arguments: str, domain: str = "") -> None:
        self.folder = folder
        environment = {**os.environ, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_DOMAIN_ID": domain}
        self._log = folder / f"segue-{time.monotonic_ns()}.log"
        with self._log.open("wb") as log:
            command = [sys.executable, "-m", "segue_bringup.cli", *arguments]
            self.process = subprocess.Popen(
                command, env=environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
            )

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return self._log.read_text(errors="replace")

    def wait(self, limit_s: float = PATIENCE_S) -> int:
        """The exit status."""
        return self.process.wait(timeout=limit_s)

    def wait_for(self, text: str, limit_s: float = PATIENCE_S) -> None:
        """Until `text` is printed as a line."""
        came = wait_until(
            lambda: text in self.output.splitlines() or self.process.poll() is not None, limit_s
        )
        assert came and self.process.poll() is None, self.output

    def nodes(self) -> dict[int, str]:
        """The nodes of this run."""
        return processes_of(self.folder)

    def kill(self) -> None:
        """End it the hard way."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@dataclass(frozen=True)
class Done:
    """A finished run: exit status, what `--json` told, and what was printed."""

    status: int
    told: dict[str, Any]
    output: str

    @property
    def was_too_busy(self) -> bool:
        """Whether this machine had no time for the graph at that speed."""
        starved = self.told["starved_ticks"] > STARVED * self.told.get("metrics", {}).get("ticks", 0.0)
        return starved or self.told.get("error_code") in TOO_BUSY


def run_unhurried(folder: Path, *words: str, domain: str = "", speeds: tuple[float, ...] = SPEEDS) -> Done:
    """One `segue run` to its end; if this machine was too busy for it, once more with time passing slower."""
    for speed in speeds:
        told = folder / f"told-{speed}.json"
        options = (f"real_time_factor:={speed}", "--out", str(folder), "--json", str(told))
        command = Segue(folder, "run", *words, *options, domain=domain)
        try:
            status = command.wait(400.0)
        finally:
            command.kill()
        assert told.is_file(), command.output
        done = Done(status, json.loads(told.read_text()), command.output)
        if not done.was_too_busy:
            break
    return done


@pytest.fixture
def segue(tmp_path: Path) -> Iterator[Callable[..., Segue]]:
    """Starts `segue` commands whose runs go to a temporary folder; whatever is left is ended."""
    started: list[Segue] = []

    def start(*arguments: str, domain: str = "") -> Segue:
        extra = ("--out", str(tmp_path)) if arguments[0] in ("run", "soak") else ()
        started.append(Segue(tmp_path, *arguments, *extra, domain=domain))
        return started[-1]

    yield start
    for command in started:
        command.kill()
    wait_until(lambda: not processes_of(tmp_path), 15.0)
