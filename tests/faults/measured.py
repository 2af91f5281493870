"""A command whose time and memory are measured, in a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A process in between: a child's peak counts what its parent held when it was forked.
_BETWEEN = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""
_MOST_S = 120.0


@dataclass(frozen=True)
class Measured:
    """What became of it; `said` is all that it printed."""

    status: int
    said: str
    peak_mb: int
    seconds: float


def measured(command: Sequence[str | Path], environment: Mapping[str, str]) -> Measured:
    """Run a command to its end, from the root of the repository, with more `environment`."""
    began_s = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", _BETWEEN, *map(str, command)], env={**os.environ, **environment}, cwd=ROOT,
        capture_output=True, text=True, check=False, timeout=_MOST_S,
    )  # fmt: skip
    return Measured(
        ran.returncode, ran.stderr, int(ran.stdout.split()[-1]) // 1024, time.monotonic() - began_s
    )
