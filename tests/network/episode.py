"""One episode of `segue run --remote-policy` and `segue serve` over a cable that changes on the way."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .machines import POLICY, ROBOT, TwoMachines

DOMAIN = "71"
_START_S = 120.0


@dataclass(frozen=True)
class Change:
    """After `after_s` seconds of the running task the cable gets these settings."""

    after_s: float
    settings: Mapping[str, float]


@dataclass(frozen=True)
class Told:
    """What the robot's side says: exit status, result.json, what it printed, and its folder."""

    status: int
    result: Mapping[str, Any]
    output: str
    folder: Path

    def log(self, node: str) -> str:
        """The log of a node of the robot's side."""
        return next(self.folder.rglob(f"logs/{node}.log")).read_text(errors="replace")


def run_episode(
    folder: Path, arguments: Sequence[str], cable: Mapping[str, float], changes: Sequence[Change] = ()
) -> Told:
    """Run one episode over a cable; `arguments` go to both sides, so that they agree.

    Raises:
        AssertionError: a side did not start; the text is what it printed.
    """
    told = folder / "told.json"
    environment = {
        "ROS_DOMAIN_ID": DOMAIN,
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "PYTHONUNBUFFERED": "1",
    }
    segue = [sys.executable, "-m", "segue_bringup.cli"]
    with TwoMachines() as machines:
        machines.link(**cable)
        out = ["--out", str(folder / "policy")]
        server = machines.start(
            POLICY, [*segue, "serve", *arguments, *out], environment, folder / "policy.txt"
        )
        options = ["--remote-policy", "--no-report", "--json", str(told), "--out", str(folder / "robot")]
        robot = machines.start(
            ROBOT, [*segue, "run", *arguments, *options], environment, folder / "robot.txt"
        )
        _wait_for(folder / "robot.txt", "running", robot)
        began = time.monotonic()
        for change in changes:
            _sleep_until(began + change.after_s, robot)
            machines.link(**change.settings)
        status = robot.wait(600)
        server.terminate()
        server.wait(60)
    output = (folder / "robot.txt").read_text(errors="replace")
    assert told.is_file(), output
    return Told(status, json.loads(told.read_text()), output, folder / "robot")


def _wait_for(log: Path, word: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _START_S
    while word not in log.read_text(errors="replace").splitlines():
        assert process.poll() is None and time.monotonic() < end, log.read_text(errors="replace")
        time.sleep(0.05)


def _sleep_until(moment_s: float, process: "subprocess.Popen[bytes]") -> None:
    while time.monotonic() < moment_s and process.poll() is None:
        time.sleep(0.02)
