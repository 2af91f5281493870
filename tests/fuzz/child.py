"""Damages the inputs of some readers and says what came of it: `python -m tests.fuzz.child`, a process of its own.

Its memory is bounded, its working folder is empty, and before every input it touches a file, so that whoever started
it sees a hang. One line of JSON for each reader, on the standard output that it was started with.
"""

import argparse
import contextlib
import json
import os
import resource
import shutil
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings

from .reader import Lawless, Reader
from .readers import READERS

MEMORY_BYTES = 2**31  # that reading may take beside what the process has when it begins
CPU_S = 10.0  # of one input
BEAT = "beat"


class Trial:
    """Input after input of one reader, each in the folder `now`; what breaks the law is kept beside it."""

    def __init__(self, reader: Reader, place: Path) -> None:
        self.counts: Counter[str] = Counter()
        self.kept: dict[str, Path] = {}
        self._reader, self._place = reader, place

    def run(self, given: Any) -> None:
        """One input; raises what must not happen."""
        (self._place / BEAT).touch()
        folder = self._place / "root" / "now"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (self._place / "now.txt").write_text(f"{self._reader.name}: {given!r:.100000}\n", "utf-8", "replace")
        before, began = self._around(), time.process_time()
        try:
            self.counts["refused" if self._reader.refuses(given, folder) else "accepted"] += 1
            if (seconds := time.process_time() - began) > CPU_S:
                raise Lawless(f"one input took {seconds:.1f} s")
            if appeared := self._around() - before:
                raise Lawless(f"written outside: {sorted(appeared)}")
        except BaseException as error:
            self._keep(error)
            raise

    def _around(self) -> set[str]:
        """What is beside the folder that may be written to, one and two levels up, and in the working folder."""
        places = (self._place, self._place / "root", Path.cwd())
        return {entry.name for folder in places for entry in os.scandir(folder)} - {"kept", BEAT}

    def _keep(self, error: BaseException) -> None:
        """The smallest input of a kind is the last one that Hypothesis tries."""
        where = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{self._reader.name}-{type(error).__name__}-{Path(where.filename).stem}-{where.lineno}"
        self.kept[kind] = self._place / "kept" / kind
        shutil.rmtree(self.kept[kind], ignore_errors=True)
        shutil.copytree(
            self._place / "root" / "now", self.kept[kind], symlinks=True, ignore_dangling_symlinks=True
        )
        shutil.copy(self._place / "now.txt", self.kept[kind] / "given.txt")


def _report(name: str, inputs: int, seed: int, place: Path) -> dict[str, Any]:
    reader = READERS[name](place / "source" / name)
    trial = Trial(reader, place)
    began = time.process_time()
    _bound_memory()

    @hypothesis.seed(seed)
    @settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(reader.inputs)
    def law(given: Any) -> None:
        trial.run(given)

    failure = ""
    try:
        law()
    except Exception as error:  # whatever a reader raises is what is looked for
        failure = _in_short(error)
    seconds, kept = time.process_time() - began, [str(path) for path in trial.kept.values()]
    return {"reader": name, **trial.counts, "failure": failure, "kept": kept, "seconds": round(seconds, 2)}


def _in_short(error: BaseException) -> str:
    """Every kind of failure that was found, with the lines of ours that led to it."""
    if several := getattr(error, "exceptions", ()):
        return "\n\n".join(map(_in_short, several))
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if "hypothesis" not in frame.filename
    ]
    lines = [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
    return "\n".join([f"{type(error).__name__}: {error!s:.1500}", *lines])


def _bound_memory() -> None:
    """Of data, threads' stacks included; not of mapped files."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    now = int(status["VmData"].split()[0]) * 1024
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (now + MEMORY_BYTES, hard))


def main() -> None:
    """Every reader that is named, one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("readers", nargs="+")
    parser.add_argument("--inputs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--place", type=Path, required=True)
    given = parser.parse_args()
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    empty = given.place / "cwd"
    empty.mkdir(parents=True, exist_ok=True)
    os.chdir(empty)
    for name in given.readers:
        (given.place / BEAT).touch()
        with contextlib.redirect_stdout(sys.stderr):
            report = _report(name, given.inputs, given.seed, given.place)
        print(json.dumps(report), file=told, flush=True)


if __name__ == "__main__":
    main()
