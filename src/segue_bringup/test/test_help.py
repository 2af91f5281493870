"""`segue help` and docs/commands.md know every command."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue_bringup import cli
from segue_bringup.environment import commands
from segue_bringup.environment.__main__ import main as script
from segue_bringup.environment.words import page
from segue_bringup.verbs import VERBS

ROOT = Path(__file__).parents[3]


def verbs() -> set[str]:
    """Every command, of both halves of the command line."""
    return {*VERBS, *commands.COMMANDS, "help"}


def test_help_lists_every_command() -> None:
    assert set(page.VERBS) == verbs()
    listed = [line.split()[0] for line in page.USAGE.splitlines() if line.startswith("  ")]
    assert sorted(set(listed) & verbs()) == sorted(verbs())


def test_the_list_of_commands_fits_a_terminal_of_80_columns() -> None:
    assert [line for line in page.USAGE.splitlines() if len(line) > 80] == []


def test_the_page_of_commands_has_every_command() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    assert {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")} == verbs()


@pytest.mark.parametrize("words", [[], ["help"], ["--help"], ["-h"]])
def test_help_succeeds_and_needs_no_set_up(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """`./segue help`, which the README names, failed with status 2."""
    assert script(words) == 0
    assert capsys.readouterr().out == page.USAGE


@pytest.mark.parametrize("verb", sorted({"run", "eval", "data", "report"}))
def test_help_of_a_command_is_its_own_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["help", verb]) == 0
    assert f"segue {verb}" in capsys.readouterr().out


def test_the_script_knows_its_version_and_what_a_mistyped_command_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert script(["--version"]) == 0 and capsys.readouterr().out.startswith("segue 0.")
    for words in (["recrod"], ["help", "recrod"]):
        assert script(words) == 2
        assert (
            "[601 CONFIG_UNKNOWN_NAME] unknown command 'recrod' (did you mean 'record'"
            in capsys.readouterr().err
        )
