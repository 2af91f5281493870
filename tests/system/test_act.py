"""A learned policy that is not Legato, through the whole graph: ACT, its chunks averaged as they overlap."""

import json
from pathlib import Path

import pytest

from segue_bringup.exit_status import ExitStatus
from segue_policies.testing.dots import make_act_settings, make_dots
from segue_policies.train import train

from .conftest import Segue

pytestmark = [pytest.mark.system, pytest.mark.slow]


def test_chunks_of_act_are_averaged_in_a_live_run(tmp_path: Path) -> None:
    """Trained for one step on pictures of dots, which are smaller than usual: the arms move, and the time runs out."""
    told, checkpoint = tmp_path / "told.json", tmp_path / "act"
    train(make_act_settings(steps=1, evaluations=1), "test", make_dots(6), checkpoint)
    policy = ("policy:=act", f"checkpoint:={checkpoint}", "stride:=3", "delay:=3")
    rest = ("record:=false", "real_time_factor:=0.5", "time_limit_s:=1.5", "--no-report")
    command = Segue(tmp_path, "run", *policy, *rest, "--out", str(tmp_path), "--json", str(told))
    assert command.wait(240.0) == ExitStatus.TASK_FAILED, command.output
    result = json.loads(told.read_text())
    metrics = result["metrics"]
    assert (result["rule"], result["arguments"]["continuation"]) == ("time_limit", "temporal_ensemble")
    assert metrics["refused_chunks"] == metrics["failed_requests"] == 0
    assert metrics["chunks"] > metrics["seams"] > 3
