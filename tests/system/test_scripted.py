"""The scripted policy does a task through the whole graph, on a robot with one arm."""

import json
from pathlib import Path

import pytest

from segue_bringup.exit_status import ExitStatus

from .conftest import Segue

pytestmark = [pytest.mark.system, pytest.mark.slow]


def test_a_task_is_done_by_its_expert_through_scheduler_and_controllers(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    names = ("robot:=franka", "task:=push_button", "policy:=scripted")
    rest = ("record:=false", "real_time_factor:=0.5", "--seed", "20003", "--no-report")
    command = Segue(tmp_path, "run", *names, *rest, "--out", str(tmp_path), "--json", str(told))
    status = command.wait(240.0)
    assert status == ExitStatus.SUCCESS, command.output
    result = json.loads(told.read_text())
    assert result["rule"] == "task_detector"
    assert result["metrics"]["refused_chunks"] == result["metrics"]["failed_requests"] == 0
