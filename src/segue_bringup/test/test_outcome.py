"""Laws of how a run is told: in the words of result.json, with the numbers that matter and what to try next."""

import io
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from segue_bringup.catalogue import config_root
from segue_bringup.graph import load_graph
from segue_bringup.resolution import make_plan
from segue_bringup.run.advice import next_steps
from segue_bringup.run.episode import Ending
from segue_bringup.run.leftovers import recording_status, spoiled
from segue_bringup.run.outcome import describe, print_outcome
from segue_core.ending_words import ENDING_WORDS
from segue_core.exit_status import ExitStatus
from segue_data.bags.manifest import FILE_NAME, RECORDING, Manifest
from segue_interfaces.action import RunTask

ARGUMENTS = {
    "robot": "dual_arm", "task": "pick_place", "policy": "legato", "sim": "mujoco",
    "checkpoint": str(config_root() / "checkpoints/legato_pick_place"),
}  # fmt: skip
FAILED = {"success": False, "outcome": "failure", "error_code": 0, "exit_status": 1, "arguments": ARGUMENTS}


def said(result: RunTask.Result | None, ending: Ending = Ending.RESULT, **changed: str) -> list[str]:
    _, told = describe(ending, result, {**ARGUMENTS, **changed}, seed=7)
    stream = io.StringIO()
    print_outcome({**told, "run": "runs/x"}, Console(file=stream, width=60))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("ending", list(Ending))
def test_every_ending_has_a_word_of_the_vocabulary(ending: Ending) -> None:
    _, told = describe(ending, None, ARGUMENTS, seed=7)
    assert told["outcome"] in ENDING_WORDS
    assert said(None, ending)[0].startswith(f"{told['outcome']}: ")


def test_a_run_ends_with_few_numbers_that_have_units_and_the_next_command() -> None:
    """It ended with 33 raw numbers."""
    lines = said(RunTask.Result(success=True, outcome="success", reason="done", duration_s=11.3, score=10.0))
    assert len(lines) <= 16
    assert any("11.3 s" in line for line in lines)
    assert any(
        "./segue run robot:=dual_arm task:=pick_place policy:=legato --seed 8" in line for line in lines
    )


def test_the_next_command_is_of_the_checkpoint_that_ran() -> None:
    """Without its name a policy of one's own was not found, or another one was evaluated."""
    result = RunTask.Result(success=False, outcome="failure", reason="time", duration_s=3.0)
    own, shipped = "/data/mine", str(config_root() / "checkpoints/legato")
    assert any("--checkpoint /data/mine" in " ".join(pair) for pair in pairwise(said(result, checkpoint=own)))
    assert not any("--checkpoint" in line for line in said(result, checkpoint=shipped))


def test_the_next_command_is_in_the_namespace_that_ran() -> None:
    result = RunTask.Result(success=True, outcome="success", reason="done", duration_s=3.0)
    assert any("./segue run namespace:=left robot:=" in line for line in said(result, namespace="left"))


@pytest.mark.parametrize("code", [109, 111, 305, 306, 310, 507])
@pytest.mark.parametrize(
    ("sim", "advice"),
    [("mujoco", ("real_time_factor:=0.5", "clock:=waiting")), ("none", ("--remote-policy", "priority"))],
)
def test_whoever_was_late_the_advice_is_the_same(sim: str, advice: tuple[str, ...], code: int) -> None:
    """A loaded machine ends a run by many codes; for 507 only the logs and the doctor were named."""
    text = "\n".join(said(RunTask.Result(outcome="error", reason="late", error_code=code), sim=sim))
    assert all(words in text for words in (*advice, "top -o %CPU", "runs/x/logs"))


@pytest.mark.parametrize("there", [(), ("report.html",), ("report.html", "episode.mp4")])
def test_only_what_is_there_is_advised_to_look_at(there: tuple[str, ...], tmp_path: Path) -> None:
    for name in there:
        (tmp_path / name).touch()
    lines = next_steps(FAILED | {"run": str(tmp_path)})
    assert ("the video" in lines[0]) == ("episode.mp4" in there)
    assert ("the report" in lines[0]) == ("report.html" in there)


def test_a_recording_without_its_report_is_advised_the_command_that_makes_it(tmp_path: Path) -> None:
    told = FAILED | {"run": str(tmp_path), "bag": f"{tmp_path}/bag/one", "exit_status": 6}
    text = "\n".join(next_steps(told))
    assert f"./segue report {tmp_path}" in text and "df -h" in text
    assert "./segue report" not in "\n".join(next_steps(told | {"bag": ""}))
    (tmp_path / "bag" / RECORDING).mkdir(parents=True)
    assert f"./segue data repair {tmp_path}/bag" in "\n".join(next_steps(told | {"bag": ""}))


@pytest.mark.parametrize("bag", ["", "cut", "whole"])
def test_a_recording_that_was_asked_for_and_is_not_whole_is_no_success(bag: str, tmp_path: Path) -> None:
    """A full disk took bag and report, and the status was 0."""
    if bag:
        (tmp_path / bag).mkdir()
        facts = Manifest(task="t", robot="r", complete=bag == "whole")
        (tmp_path / bag / FILE_NAME).write_text(facts.to_json())
    found = recording_status(str(tmp_path / bag) if bag else "", tmp_path)
    assert (found == ExitStatus.SUCCESS) == (bag == "whole")
    assert spoiled(ExitStatus.SUCCESS, found) == found
    assert spoiled(ExitStatus.RUN_FAILED, found) == ExitStatus.RUN_FAILED


def test_only_a_policy_that_tries_the_task_is_offered_many_seeds() -> None:
    for success in (True, False):
        result = RunTask.Result(success=success, outcome="success" if success else "failure")
        assert not any("segue eval" in line for line in said(result, policy="hold", checkpoint=""))
        assert any("segue eval" in line for line in said(result, policy="scripted", checkpoint=""))


def test_many_seeds_are_advised_with_the_settings_that_the_run_was_given() -> None:
    arguments = make_plan(load_graph(), {"policy": "legato"}).arguments
    told = FAILED | {"arguments": arguments}
    advised = next(line for line in next_steps(told) if "segue eval" in line)
    assert advised.endswith("./segue eval --task pick_place --policy legato --seeds 0:20")
    changed: dict[str, int | str] = {
        "stride": 20,
        "dtype": "bfloat16",
        "termination": "stall,time_limit",
        "continuation": "rtc",
    }
    told["arguments"] = make_plan(load_graph(), {**changed, "policy": "legato"}).arguments
    advised = next(line for line in next_steps(told) if "segue eval" in line)
    assert all(f"--{name} {value}" in advised for name, value in changed.items())
