"""Laws of how a run is told: in the words of result.json, with the numbers that matter and what to try next."""

import io
from itertools import pairwise

import pytest
from rich.console import Console

from segue_bringup.catalogue import config_root
from segue_bringup.run.episode import Ending
from segue_bringup.run.outcome import describe, print_outcome
from segue_core.ending_words import ENDING_WORDS
from segue_core.errors import ErrorCode
from segue_interfaces.action import RunTask

ARGUMENTS = {"robot": "dual_arm", "task": "pick_place", "policy": "legato", "sim": "mujoco"}


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


@pytest.mark.parametrize(
    ("sim", "advice"), [("mujoco", "real_time_factor:=0.5"), ("none", "--remote-policy")]
)
def test_a_late_machine_is_told_what_to_do(sim: str, advice: str) -> None:
    late = RunTask.Result(
        outcome="error", reason="control loop was late", error_code=int(ErrorCode.CONTROL_OVERRUN)
    )
    assert any(advice in line for line in said(late, sim=sim))
