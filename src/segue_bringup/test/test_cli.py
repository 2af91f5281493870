"""How a subcommand ends that could not do its work: one sentence, a documented status, no trace of ours."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from segue_bringup import cli
from segue_bringup.catalogue import names
from segue_bringup.settings import RunOptions
from segue_bringup.verbs import VERBS
from segue_core.command_line.verb import Chosen, choose
from segue_core.exit_status import ExitStatus


def parsed(*words: str) -> Any:
    chosen = choose(words, VERBS)
    assert isinstance(chosen, Chosen)
    return chosen.options(names)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/data/x"), ExitStatus.ENVIRONMENT, "/data/x"),
        (OSError(errno.ENOSPC, "No space left on device"), ExitStatus.ENVIRONMENT, "No space left"),
        (ValueError("oh"), ExitStatus.UNEXPECTED, "this is a defect of segue"),
        (OSError(errno.EBADF, "Bad file descriptor"), ExitStatus.UNEXPECTED, "this is a defect of segue"),
    ],
)
def test_what_the_system_refuses_is_no_defect(
    error: Exception,
    status: ExitStatus,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work(_: object) -> int:
        raise error

    monkeypatch.setattr("segue_data.commands.info", work)
    assert cli.main(["data", "info", "somewhere"]) == status
    told = capsys.readouterr().err
    assert said in told and ("Traceback" in told) == (status == ExitStatus.UNEXPECTED)


def test_launch_arguments_may_stand_before_between_and_behind_options() -> None:
    """`segue run policy:=hold --seed 3 teleop:=keyboard` was refused as unrecognised."""
    words = ["run", "policy:=hold", "--seed", "3", "delay:=4", "--quiet", "stride:=9"]
    options = parsed(*words)
    assert isinstance(options, RunOptions) and options.quiet
    assert options.launch == {"policy": "hold", "seed": 3, "delay": 4, "stride": 9}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run policy:=hold --seed 3 delay", "does not take the word 'delay' (did you mean delay:=VALUE?)"),
        ("run pick_place", "did you mean task:=pick_place?"),
        ("run --sed:=3", "unknown setting of segue run 'sed' (did you mean 'seed'?)"),
        ("data info x a:=b", "unknown setting of segue data info 'a'; allowed: json, path"),
    ],
)
def test_what_is_no_setting_is_refused_with_what_was_meant(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words.split()) == ExitStatus.USAGE
    assert said in capsys.readouterr().err
