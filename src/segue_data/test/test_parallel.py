"""Worker processes: all results, in order, and nobody left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segue_data.parallel import run_all

PROGRAM = """
import sys
from pathlib import Path
from segue_data.parallel import run_all
from segue_data.testing import beat

if __name__ == "__main__":
    run_all(beat, [Path(sys.argv[1]) / name for name in "abcd"], workers=2, label="", unit="", progress=False)
"""


def test_results_come_in_the_order_of_the_jobs() -> None:
    assert run_all(abs, [-3, 2, -1], workers=2, label="", unit="", progress=False) == [3, 2, 1]


def test_ctrl_c_ends_the_jobs_begins_no_other_and_prints_no_trace_of_a_worker(tmp_path: Path) -> None:
    program = PROGRAM.replace("    run_all", "    try:\n        run_all")
    (tmp_path / "program.py").write_text(f"{program}    except KeyboardInterrupt:\n        sys.exit(130)\n")
    command = [sys.executable, str(tmp_path / "program.py"), str(tmp_path)]
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("[a-d]"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does
    _, said = parent.communicate(timeout=30)
    assert (parent.returncode, said) == (130, b"")
    assert len(list(tmp_path.glob("[a-d]"))) == 2


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path, by: signal.Signals) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    parent = subprocess.Popen([sys.executable, str(tmp_path / "program.py"), str(tmp_path)])
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("[a-d]"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    parent.send_signal(by)
    parent.wait(10)
    time.sleep(1.0)  # real time: what is left of a heart that beats ten times a second
    beats = [path.stat().st_size for path in sorted(tmp_path.glob("[a-d]"))]
    assert len(beats) == 2
    time.sleep(1.0)
    assert [path.stat().st_size for path in sorted(tmp_path.glob("[a-d]"))] == beats
