"""What takes time away from processes: stopping them for a while, and busy loops on every core."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOP = "while True: pass"


def hold_up(pids: Iterable[int], seconds: float) -> tuple[float, float]:
    """Stop processes for a while, as a debugger or a closed lid does; from when to when (steady clock)."""
    stopped = list(pids)
    began_s = time.monotonic()
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    return began_s, time.monotonic()


@contextmanager
def hogs() -> Iterator[int]:
    """Busy loops, one for every core, more important than anything else where that is allowed; how many."""
    count, nice = os.cpu_count() or 1, -5 if os.geteuid() == 0 else 0
    loops = [subprocess.Popen([sys.executable, "-S", "-c", _LOOP]) for _ in range(count)]
    try:
        for loop in loops:
            os.setpriority(os.PRIO_PROCESS, loop.pid, nice)
        yield count
    finally:
        for loop in loops:
            loop.kill()
        for loop in loops:
            loop.wait()


def processor_s(pid: int) -> float:
    """Processor time that a process has had, all of its threads together [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
