"""What `./segue test` asks of pytest."""

from pathlib import Path

from segue_bringup.environment.testing import DAILY, THOROUGH, pytest_command
from segue_bringup.environment.workspace import Workspace

WORKSPACE = Workspace(Path(__file__).resolve().parents[3])


def _passed(*arguments: str) -> list[str]:
    return pytest_command(WORKSPACE, arguments)[3:]


def test_every_day_all_folders_of_tests_run_without_what_is_thorough() -> None:
    passed = _passed("-q")
    assert tuple(passed[:2]) == DAILY and passed[-1] == "-q"
    assert {"src", "tests/quality", "tests/system", "tests/faults"} <= set(passed)
    assert "tests/system" not in _passed("--fast")


def test_a_path_runs_whole_and_alone() -> None:
    assert _passed("tests/quality", "-x") == ["tests/quality", "-x"]


def test_a_thorough_suite_runs_whole_and_alone() -> None:
    for option, folder in THOROUGH.items():
        assert _passed(option, "-x") == [folder, "-x"]
