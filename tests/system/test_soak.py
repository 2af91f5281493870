"""A standing graph does goal after goal, and its processes and commands are watched meanwhile."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from segue_core.exit_status import ExitStatus

from .conftest import Segue

pytestmark = [pytest.mark.system, pytest.mark.slow]


def test_a_short_soak_looks_at_every_node_and_counts_goals_and_commands(
    segue: Callable[..., Segue], tmp_path: Path
) -> None:
    file = tmp_path / "soak.json"
    words = (
        "robot:=franka",
        "task:=push_button",
        "policy:=hold",
        "time_limit_s:=1",
        "--max-growth",
        "1e9",
        "--max-more",
        "1e9",
    )
    run = segue("soak", "--live", "4m", "--goals", "2", *words, "--json", str(file))
    assert run.wait() == ExitStatus.SUCCESS, run.output
    told = json.loads(file.read_text())
    assert told["outcomes"] == {"failure": 2}, "they do nothing, until their time is over"
    assert told["commands"] >= 20 and told["command_jitter_ms"]["max"] > 0.0
    assert {"simulator", "controller", "policy", "scheduler", "recorder"} <= set(told["processes"])
    assert all(process["looks"] >= 3 for process in told["processes"].values())
    assert not list(run.folder.rglob("*.mcap")), "what was recorded is not kept"
    assert run.nodes() == {}
