"""The policy on another machine: an episode over a slow network, and one whose network breaks (case 14)."""

import os
from pathlib import Path

import pytest

from segue_core.exit_status import ExitStatus

from .episode import Change, Told, run_episode
from .machines import why_not

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "they are permitted"),
]
# One camera at 10 Hz: the two machines are one, and may be a small one.
FACTOR = float(os.environ.get("SEGUE_NETWORK_FACTOR", "0.5"))  # simulated seconds per second
ARGUMENTS = ["robot:=jaco2", "task:=place_block", "policy:=hold", "delay_mode:=adaptive", "record:=false"]
TOO_BUSY = (
    305,
    306,
    310,
)  # the guard stopped a robot whose own machine was late; no network is in these streams


def _episode(folder: Path, time_limit_s: int, cable: dict[str, float], changes: list[Change]) -> Told:
    arguments = [*ARGUMENTS, f"time_limit_s:={time_limit_s}", f"real_time_factor:={FACTOR}"]
    told = run_episode(folder, arguments, cable, changes)
    if told.result["error_code"] in TOO_BUSY:
        pytest.skip(f"this machine is too busy for the graph: {told.result['reason']}")
    return told


def test_an_episode_runs_over_a_network_with_delay_and_loss(tmp_path: Path) -> None:
    slow = {"delay_ms": 10.0, "jitter_ms": 2.0}
    told = _episode(tmp_path, 6, slow, [Change(1.0 / FACTOR, {**slow, "loss": 0.02})])
    assert told.status == ExitStatus.TASK_FAILED, told.output  # `hold` does nothing, until the time is over
    assert told.result["rule"] == "time_limit"
    assert told.result["metrics"]["chunks"] >= 2
    assert told.result["metrics"]["starved_ticks"] == 0


def test_a_network_that_breaks_for_good_ends_the_run_with_a_stop_and_a_reason(tmp_path: Path) -> None:
    told = _episode(tmp_path, 60, {}, [Change(2.0 / FACTOR, {"loss": 1.0})])
    assert told.status == ExitStatus.RUN_FAILED, told.output
    assert told.result["outcome"] == "error" and told.result["episode_s"] < 30.0
    assert told.result["error_code"] in (109, 111), told.result["reason"]  # starved, or requests unanswered
    assert told.result["metrics"]["starved_ticks"] > 0 or told.result["metrics"]["timeouts"] > 0
