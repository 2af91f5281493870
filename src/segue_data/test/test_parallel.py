"""Worker processes: all results, in order, and nobody left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from segue_data.parallel import run_all

PROGRAM = """
import sys
from pathlib import Path
from segue_data.parallel import run_all
from segue_data.testing import beat

if __name__ == "__main__":
    run_all(beat, [Path(sys.argv[1]) / name for name in "abcd"], workers=2, label="", unit="", bar=False)
"""


def _until(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not so() and time.monotonic() < deadline:
        time.sleep(0.05)


def _begun(folder: Path) -> bool:
    """Waits until two jobs are under way."""
    _until(lambda: len(list(folder.glob("[a-d]"))) >= 2)
    return len(list(folder.glob("[a-d]"))) == 2


def _stat(pid: int) -> list[str]:
    """State, parent and so on of a process; of one that is gone as of a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["Z", "0"]


def _run_by(parent: int) -> set[int]:
    """Processes that this one has started."""
    return {pid for path in Path("/proc").glob("[0-9]*") if _stat(pid := int(path.name))[1] == str(parent)}


def _is_running(pid: int) -> bool:
    return _stat(pid)[0] != "Z"


def test_results_come_in_the_order_of_the_jobs() -> None:
    assert run_all(abs, [-3, 2, -1], workers=2, label="", unit="", bar=False) == [3, 2, 1]


def _fail_or_linger(file: Path) -> None:
    if file.name == "fails":
        _until(file.with_name("lingers").exists)
        raise OSError("full")
    file.touch()
    time.sleep(1.0)
    file.with_name("ended").touch()


def test_when_a_job_has_failed_no_other_is_under_way_any_more(tmp_path: Path) -> None:
    """A conversion that a full disk ended cleared its folder up, and its other worker made it again."""
    jobs = [tmp_path / "fails", tmp_path / "lingers"]
    with pytest.raises(OSError, match="full"):
        run_all(_fail_or_linger, jobs, workers=2, label="", unit="", bar=False)
    assert (tmp_path / "ended").exists()


def test_ctrl_c_ends_the_jobs_begins_no_other_and_prints_no_trace_of_a_worker(tmp_path: Path) -> None:
    program = PROGRAM.replace("    run_all", "    try:\n        run_all")
    (tmp_path / "program.py").write_text(f"{program}    except KeyboardInterrupt:\n        sys.exit(130)\n")
    command = [sys.executable, str(tmp_path / "program.py"), str(tmp_path)]
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    assert _begun(tmp_path)
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does
    _, said = parent.communicate(timeout=60)
    assert (parent.returncode, said) == (130, b"")
    assert len(list(tmp_path.glob("[a-d]"))) == 2


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path, by: signal.Signals) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    parent = subprocess.Popen([sys.executable, str(tmp_path / "program.py"), str(tmp_path)])
    assert _begun(tmp_path)
    workers = _run_by(parent.pid)
    parent.send_signal(by)
    parent.wait(60)
    deadline = time.monotonic() + 25  # a job takes 30 s
    while any(map(_is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(workers) >= 2 and not any(map(_is_running, workers))
    assert len(list(tmp_path.glob("[a-d]"))) == 2
