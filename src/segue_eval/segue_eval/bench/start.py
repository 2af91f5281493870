"""From `./segue run` to a moving robot: when each part was done, and what processor time it took, of clones by turns.

What is measured is what a person sees: the lines of the run, and the first motion that its recording has.

    ./segue run   starting the graph     every node is ready, running        joints move
    0 s                  |---- a node is ready, one after the other ----|---------|
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mcap.reader import make_reader

from segue_core.errors import ConfigError, ErrorCode
from segue_data.bags.definitions import typestore

_WAITING, _STARTING, _RUNNING = "waiting for ", "starting the graph", "running"
MOVES = "the robot moves"
_MOVES_RAD_S = 0.02
_JOINT_STATE = "sensor_msgs/msg/JointState"
_TICKS_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass
class Start:
    """One start.

    Args:
        at_s: wall time since the command, by part.
        processor_s: of all processes until every node was ready.
    """

    at_s: dict[str, float] = field(default_factory=dict)
    processor_s: float = 0.0


@dataclass
class Watch:
    """Follows the lines of one run: call `heard` with each and its time."""

    start: Start = field(default_factory=Start)
    _pending: tuple[str, ...] = ()

    def heard(self, line: str, at_s: float) -> bool:
        """Note what a line says; whether every node is ready with it."""
        if line == _STARTING:
            self.start.at_s.setdefault("checks are done", at_s)
        elif line.startswith(_WAITING):
            pending = tuple(line.removeprefix(_WAITING).partition(":")[0].split(", "))
            self._ready(at_s, pending)
        elif line == _RUNNING:
            self._ready(at_s, ())
            self.start.at_s.setdefault("every node is ready", at_s)
            return True
        return False

    def _ready(self, at_s: float, pending: tuple[str, ...]) -> None:
        for name in self._pending:
            if name not in pending and not name.startswith("the "):
                self.start.at_s.setdefault(f"{name} is ready", at_s)
        self._pending = pending


def first_motion_ns(recording: Path) -> int | None:
    """Wall time [ns] at which the first joint state with a moving joint was received; None where there is none."""
    with recording.open("rb") as file:
        for _, _, message in make_reader(file).iter_messages(topics=["/joint_states"]):
            state: Any = typestore().deserialize_cdr(message.data, _JOINT_STATE)
            if np.abs(state.velocity).max(initial=0.0) > _MOVES_RAD_S:
                return int(message.publish_time)
    return None


def started(clone: Path) -> Start:
    """One short run of a clone, from the command to its end.

    Raises:
        ConfigError: no such clone, or a run in which no node became ready.
    """
    command, watch = clone / "segue", Watch()
    with tempfile.TemporaryDirectory(prefix="segue-start-") as runs:
        words = [str(command), "run", "time_limit_s:=1", "--no-report", f"runs:={runs}"]
        began_ns, began_s = time.time_ns(), time.monotonic()
        said = []
        try:
            run = subprocess.Popen(
                words, env=before_us(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
        except OSError as error:
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, f"no clone of Segue in {clone}: {error}"
            ) from error
        with run:
            for line in run.stderr or ():
                said.append(line)
                if watch.heard(line.strip(), time.monotonic() - began_s):
                    watch.start.processor_s = _processor_s(run.pid)
        if not watch.start.processor_s:
            text = f"{' '.join(words)} did not start"
            raise ConfigError(ErrorCode.PROCESS_FAILED, text, got="".join(said[-3:]).strip())
        for recording in Path(runs).rglob("*.mcap"):
            if moved_ns := first_motion_ns(recording):
                watch.start.at_s[MOVES] = (moved_ns - began_ns) / 1e9
    return watch.start


def before_us() -> dict[str, str]:
    """The environment without what this clone has put into it, so that another finds its own."""
    root = str(this_clone())
    kept = {
        name: os.pathsep.join(entry for entry in value.split(os.pathsep) if not entry.startswith(root))
        for name, value in os.environ.items()
    }
    return {name: value for name, value in kept.items() if value or not os.environ[name]}


def _processor_s(root: int) -> float:
    """Processor time [s] of a process and all that come from it, ended ones included."""
    parents: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "stat").read_text().rpartition(")")[2].split()
            parents.setdefault(int(words[1]), []).append(int(entry.name))
            used[int(entry.name)] = sum(map(int, words[11:15])) * _TICKS_S
    family, found = [root], 0.0
    while family:
        one = family.pop()
        found += used.get(one, 0.0)
        family += parents.get(one, [])
    return found


def bench_start(clones: Sequence[Path], rounds: int, say: Callable[[str], None]) -> dict[str, list[Start]]:
    """Starts of each clone, taking turns, after one of each that is not counted; raises as `started`."""
    found: dict[str, list[Start]] = {str(clone): [] for clone in clones}
    for number in range(rounds + 1):
        for clone in clones:
            start = started(clone)
            say(f"{clone}: {max(start.at_s.values()):.1f} s{'' if number else ', not counted'}")
            if number:
                found[str(clone)].append(start)
    return found


def medians(starts: Sequence[Start]) -> dict[str, float]:
    """Median second of each part, in their order, and of the processor's time."""
    parts = {
        name: statistics.median(s.at_s[name] for s in starts if name in s.at_s)
        for s in starts
        for name in s.at_s
    }
    ordered = dict(sorted(parts.items(), key=lambda part: part[1]))
    return {**ordered, "processor's time": statistics.median(s.processor_s for s in starts)}


def table(found: dict[str, list[Start]]) -> str:
    """A column for each clone: seconds since the command."""
    columns = {name: medians(starts) for name, starts in found.items()}
    parts = dict.fromkeys(part for column in columns.values() for part in column)
    lines = [f"{'seconds since the command':28}" + "".join(f"  {name}" for name in columns)]
    for part in sorted(parts, key=lambda part: part == "processor's time"):
        cells = [f"{column[part]:.1f}" if part in column else "-" for column in columns.values()]
        lines.append(f"{part:28}" + "".join(f"  {c:>{len(n)}}" for c, n in zip(cells, columns, strict=True)))
    return "\n".join(lines)


def this_clone() -> Path:
    """The clone whose workspace this process runs in; raises ConfigError outside of one."""
    if root := os.environ.get("SEGUE_ROOT"):
        return Path(root)
    raise ConfigError(
        ErrorCode.ENVIRONMENT_INCOMPLETE, "no clone to start", do="run it as ./segue bench start"
    )


def say(text: str) -> None:
    """To people, not to what reads the table."""
    print(text, file=sys.stderr, flush=True)
