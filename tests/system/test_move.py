"""A planned move through the real graph: simulator, controller with its guard, mover."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from segue_core.exit_status import ExitStatus

from .conftest import Segue, processes_of


@pytest.mark.system
@pytest.mark.slow
def test_the_arm_goes_where_the_contract_says_and_the_graph_is_gone_again(
    segue: Callable[..., Segue], tmp_path: Path
) -> None:
    told = tmp_path / "told.json"
    arguments = (
        "move",
        "aside",
        "robot:=franka",
        "task:=reach_target",
        "--out",
        str(tmp_path),
        "--json",
        str(told),
    )
    command = segue(*arguments)
    assert command.wait(180.0) == ExitStatus.SUCCESS, command.output
    result = json.loads(told.read_text())
    assert result["success"] and result["error_rad"] < 0.03
    assert result["duration_s"] > 1.0, "0.8 rad inside the limits take longer"
    assert processes_of(tmp_path) == {}


def test_an_unknown_pose_is_refused_before_anything_starts(
    segue: Callable[..., Segue], tmp_path: Path
) -> None:
    command = segue("move", "asid", "robot:=franka", "task:=reach_target", "--out", str(tmp_path))
    assert command.wait() == ExitStatus.USAGE
    assert "did you mean 'aside'" in command.output and command.nodes() == {}
