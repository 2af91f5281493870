"""Laws of the report's words: those of the terminal and of result.json, faults on the timeline, counts explained."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from segue_core.ending_words import ENDING_WORDS
from segue_core.errors import ErrorCode
from segue_eval.report import write_run_report
from segue_eval.report.bag import _faults, read_run
from segue_eval.report.guard_words import meaning, refusals
from segue_eval.report.run_data import Fault
from segue_eval.report.run_figures import timeline_figure
from segue_eval.result import EpisodeResult

Recorded = tuple[Path, EpisodeResult]


@pytest.mark.parametrize("word", ["success", "failure", "error", "interrupted", "reader_gone"])
def test_the_badge_is_the_word_of_the_result(word: str, brief: Recorded, tmp_path: Path) -> None:
    """The terminal said "error", the badge "not done"."""
    shutil.copytree(brief[0] / "bag", tmp_path / "bag")
    (tmp_path / "result.json").write_text(json.dumps({"outcome": word, "success": word == "success"}))
    assert write_run_report(tmp_path)["outcome"] == word
    badge = re.search(r'class="pill (\w+)"[^>]*>([^<]+)<', (tmp_path / "report.html").read_text())
    assert badge is not None and badge.groups() == (ENDING_WORDS[word].mood, word)
    assert "parts done" in (tmp_path / "report.html").read_text()


def _safety(seconds: float, code: int, text: str) -> Any:
    stamp = SimpleNamespace(sec=int(seconds), nanosec=round(seconds % 1 * 1e9))
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), error_code=code, error_text=text)


def test_a_fault_is_told_once_with_its_time() -> None:
    late = (int(ErrorCode.CONTROL_OVERRUN), "control loop was late; got 158 ms")
    messages = [_safety(10.0, 0, ""), _safety(12.5, *late), _safety(12.6, *late)]
    ended = _safety(12.6, *late)
    ended.phase, ended.reason = "finished", late[1]
    assert _faults(ended, messages, 10 * 10**9) == (Fault(2.5, *late),)


@pytest.mark.parametrize(("real", "advice"), [(False, "real_time_factor:=0.5"), (True, "--remote-policy")])
def test_a_fault_of_lateness_stands_on_the_timeline_with_what_to_do(
    real: bool, advice: str, recorded: Recorded
) -> None:
    run = read_run(recorded[0] / "bag")
    assert 'class="fault"' not in timeline_figure(run)
    fault = Fault(1.5, int(ErrorCode.CONTROL_OVERRUN), "control loop was late; got 158 ms")
    told = timeline_figure(replace(run, faults=(fault,), real=real))
    assert 'class="fault"' in told and "1.5 s</b> control loop was late" in told and advice in told


def test_a_fault_that_only_the_result_knows_stands_inside_the_timeline(
    brief: Recorded, tmp_path: Path
) -> None:
    """Of a run that ended without an observation (507) the report showed nothing."""
    shutil.copytree(brief[0] / "bag", tmp_path / "bag")
    reason = "no observation for 16 ticks (at most 15)"
    told = {"outcome": "error", "success": False, "error_code": 507, "reason": reason}
    (tmp_path / "result.json").write_text(json.dumps(told))
    write_run_report(tmp_path)
    found = (tmp_path / "report.html").read_text()
    mark = re.search(r'<rect x="([\d.]+)"[^>]*class="fault"', found)
    axis = re.search(r'data-x1="([\d.]+)"[^>]*data-key="phase"', found)
    assert reason in found and "real_time_factor" in found
    assert mark and axis and float(mark[1]) + 3 <= float(axis[1])


def test_skipped_ticks_do_not_carry_a_run_past_its_axis(recorded: Recorded) -> None:
    """A run of a busy machine was as long as its ticks are many, and its last marks lay outside the card."""
    run = read_run(recorded[0] / "bag")
    late = replace(run, ticks=run.ticks + np.arange(len(run.ticks)))
    assert late.seconds[-1] < late.duration_s and run.duration_s == len(run.ticks) / run.space.rate_hz


def test_smoothing_is_no_refusal_and_every_count_of_the_guard_is_explained(recorded: Recorded) -> None:
    """1171 interventions headed the report of a perfect run."""
    counts = read_run(recorded[0] / "bag").safety_counts
    assert counts and all(meaning(name) for name in counts)
    assert refusals({"jerk:left_joint1": 900, "velocity:left_joint2": 30}) == 0
    assert refusals({"jerk:left_joint1": 900, "workspace:left": 2, "stop:control_overrun": 1}) == 3
