"""The scripted policy does a task through the whole graph, on a robot with one arm."""

from pathlib import Path

import pytest

from segue_core.exit_status import ExitStatus

from .conftest import run_unhurried

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_task_is_done_by_its_expert_through_scheduler_and_controllers(tmp_path: Path) -> None:
    names = ("robot:=franka", "task:=push_button", "policy:=scripted")
    done = run_unhurried(tmp_path, *names, "record:=false", "--seed", "20003", "--no-report")
    assert done.status == ExitStatus.SUCCESS, done.output
    assert done.told["rule"] == "task_detector"
    assert done.told["metrics"]["refused_chunks"] == done.told["metrics"]["failed_requests"] == 0
