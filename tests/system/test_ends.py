"""However a run is ended, the arm stops first and no process is left."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from own_domain import own_domain

from segue_core.exit_status import ExitStatus

from .conftest import PATIENCE_S, ROOT, SPEEDS, Segue, processes_of, wait_until

pytestmark = [pytest.mark.system, pytest.mark.slow]

# Slower than time, so that no guard ends a run before the test does.
_HOLD = ("run", "policy:=hold", "time_limit_s:=120", f"real_time_factor:={SPEEDS[-1]}", "--no-report")
Start = Callable[..., Segue]


def test_a_second_instance_is_refused_and_a_killed_first_one_leaves_nothing(segue: Start) -> None:
    domain = str(own_domain())
    first = segue(*_HOLD, domain=domain)
    first.wait_for("running")
    second = segue(*_HOLD, domain=domain)
    assert second.wait() == ExitStatus.CONFLICT
    assert f"process {first.process.pid}" in second.output
    assert len(first.nodes()) >= 5
    first.process.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not first.nodes()), first.nodes()


def test_ctrl_c_stops_the_arm_then_the_graph_and_the_bag_is_whole(segue: Start) -> None:
    run = segue(*_HOLD)
    run.wait_for("running")
    assert wait_until(lambda: any(run.folder.rglob("*.mcap"))), "no bag is begun"
    run.process.send_signal(signal.SIGINT)
    assert run.wait() == ExitStatus.INTERRUPTED
    lines = run.output.splitlines()
    assert lines.index("stopping the arm") < lines.index("stopping the graph")
    assert run.nodes() == {}
    result = json.loads(next(run.folder.rglob("result.json")).read_text())
    assert (result["success"], result["outcome"]) == (False, "interrupted")
    assert next(run.folder.rglob("metadata.yaml")).is_file()


@pytest.mark.parametrize("name", ["policy", "simulator"])
def test_the_end_of_a_required_node_ends_the_run_and_names_the_node(segue: Start, name: str) -> None:
    run = segue(*_HOLD)
    run.wait_for("running")
    pid = next(pid for pid, command in run.nodes().items() if f"__node:={name}" in command)
    os.kill(pid, signal.SIGKILL)
    assert run.wait() == ExitStatus.NODE_FAILED
    assert f"node '{name}' ended (killed by SIGKILL)" in run.output
    assert run.nodes() == {}


def test_a_run_that_takes_too_long_is_given_up(segue: Start) -> None:
    run = segue(*_HOLD, "--timeout", "0.5")
    assert run.wait() == ExitStatus.TIMEOUT
    assert run.nodes() == {}


def test_a_reader_that_quits_stops_the_arm_and_the_run_leaves_its_result_and_its_bag(tmp_path: Path) -> None:
    """`segue run 2>&1 | head -1` left the arm moving, wrote no result, and ended with 0."""
    command = [sys.executable, "-m", "segue_bringup.cli", *_HOLD, "--out", str(tmp_path)]
    environment = {**os.environ, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_DOMAIN_ID": ""}
    run = subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert run.stdout is not None
        assert any(line.strip() == b"running" for line in run.stdout)
        assert wait_until(lambda: any(tmp_path.rglob("*.mcap"))), "no bag is begun"
        run.stdout.close()
        assert run.wait(PATIENCE_S) == ExitStatus.READER_GONE
    finally:
        run.kill()
    assert processes_of(tmp_path) == {}
    result = json.loads(next(tmp_path.rglob("result.json")).read_text())
    assert (result["success"], result["outcome"]) == (False, "reader_gone")
    assert (
        result["episode_s"] > 0
    )  # the scheduler's own result: the goal was cancelled and the arm came to rest
    assert next(tmp_path.rglob("metadata.yaml")).is_file()
