"""A learned policy that is not Legato, through the whole graph: ACT, its chunks averaged as they overlap."""

from pathlib import Path

import pytest

from segue_core.exit_status import ExitStatus
from segue_policies.testing.dots import make_act_settings, make_dots
from segue_policies.training.command.train import train

from .conftest import run_unhurried

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]


def test_chunks_of_act_are_averaged_in_a_live_run(tmp_path: Path) -> None:
    """Trained for one step on pictures of dots, which are smaller than usual: the arms move, and the time runs out."""
    checkpoint = tmp_path / "act"
    train(make_act_settings(steps=1, evaluations=1), "test", make_dots(6), checkpoint)
    policy = ("policy:=act", f"checkpoint:={checkpoint}", "stride:=3", "delay:=3")
    done = run_unhurried(tmp_path, *policy, "record:=false", "time_limit_s:=1.5", "--no-report")
    assert done.status == ExitStatus.TASK_FAILED, done.output
    metrics = done.told["metrics"]
    assert (done.told["rule"], done.told["arguments"]["continuation"]) == ("time_limit", "temporal_ensemble")
    assert metrics["refused_chunks"] == metrics["failed_requests"] == 0
    assert metrics["chunks"] > metrics["seams"] > 3
