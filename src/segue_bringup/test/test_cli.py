"""How a subcommand ends that could not do its work: one sentence, a documented status, no trace of ours."""

from __future__ import annotations

import argparse
import errno
from collections.abc import Callable

import pytest

from segue_bringup import cli
from segue_core.exit_status import ExitStatus


def raising(error: Exception) -> Callable[[], argparse.ArgumentParser]:
    def work(_: argparse.Namespace) -> int:
        raise error

    def parser() -> argparse.ArgumentParser:
        made = argparse.ArgumentParser()
        made.set_defaults(func=work, command="data")
        return made

    return parser


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
    monkeypatch.setattr(cli, "build_parser", raising(error))
    assert cli.main([]) == status
    told = capsys.readouterr().err
    assert said in told and ("Traceback" in told) == (status == ExitStatus.UNEXPECTED)


def test_launch_arguments_may_stand_before_between_and_behind_options() -> None:
    """`segue run policy:=hold --seed 3 teleop:=keyboard` was refused as unrecognised."""
    words = ["run", "policy:=hold", "--seed", "3", "delay:=4", "--quiet", "stride:=9"]
    options = cli.parse(words, cli.build_parser())
    assert (options.arguments, options.seed) == (["policy:=hold", "delay:=4", "stride:=9"], 3)


@pytest.mark.parametrize("words", ["run policy:=hold --seed 3 delay", "run --sed:=3", "data info x a:=b"])
def test_what_is_neither_an_option_nor_a_launch_argument_is_refused(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words.split()) == ExitStatus.USAGE
    assert "unrecognized arguments" in capsys.readouterr().err
