"""What `./segue test` asks of pytest, and what comes of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segue_bringup.environment.endings import EXIT_INTERRUPTED
from segue_bringup.environment.testing import (
    DAILY,
    THOROUGH,
    misspelt,
    pytest_commands,
    pytest_environment,
    run_tests,
    verdict,
)
from segue_bringup.environment.workspace import Workspace

ROOT = Path(__file__).resolve().parents[3]
KEPT = Path("kept.json")
SYSTEM = "import pytest\n\npytestmark = pytest.mark.system\n\n"


def _passed(*arguments: str) -> list[list[str]]:
    return [command[3:] for command in pytest_commands(Workspace(ROOT), arguments, KEPT)]


def test_every_day_all_folders_of_tests_run_without_what_is_thorough() -> None:
    alongside, alone = _passed("-q")
    for session in (alongside, alone):
        place = session.index(DAILY[0])
        assert tuple(session[place : place + 2]) == DAILY and "-q" in session
        assert {"tests/system", "tests/faults", "tests/fuzz"} <= set(session)
    assert {"tests/quality", "src"} <= set(alongside)


def test_fast_is_the_first_session_with_its_own_summary() -> None:
    (session,) = _passed("--fast")
    assert "--alongside" in session and not any(word.startswith("--tell") for word in session)


def test_what_runs_in_real_time_runs_one_after_the_other() -> None:
    for arguments in (("-q",), ("-n", "4")):
        assert _passed(*arguments)[1][-1] == "-n0"


def test_what_hundreds_of_processes_import_is_compiled_once_and_kept() -> None:
    assert set(pytest_environment({"HOME": "/h", "PYTHONDONTWRITEBYTECODE": "1"})) == {
        "HOME",
        "ROS_DOMAIN_ID",
        "ROS_AUTOMATIC_DISCOVERY_RANGE",
    }


def test_a_debugger_has_the_terminal_for_itself() -> None:
    assert not any(word.startswith("-n") for word in _passed("--pdb")[0])


def test_a_misspelt_option_is_told_and_pytests_own_are_left_to_it() -> None:
    """`segue test --fst` ran everything but what it was asked for."""
    assert misspelt(["--fst"]) == ("--fst", "--fast") and misspelt(["src", "--fault"]) == (
        "--fault",
        "--faults",
    )
    own = [
        "--ff",
        "--lf",
        "--failed-first",
        "--fixtures",
        "--full-trace",
        "--fuzz-seed=3",
        "-k",
        "fst",
        "--fast",
    ]
    assert misspelt(own) is None


def test_a_path_runs_whole_and_alone() -> None:
    assert _passed("tests/quality", "-x") == [["tests/quality", "-x"]]


def test_a_thorough_suite_runs_whole_and_alone() -> None:
    for option, folder in THOROUGH.items():
        assert _passed(option, "-x") == [[folder, "-x"]]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """One with a handful of tests and this one's plugin and Python."""
    for name in ("tests/one_summary.py", "tests/real_time.py", "pyproject.toml", ".venv"):
        link = tmp_path / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(ROOT / name)
    _write(
        tmp_path, "tests/missing", "import pytest\n\npytest.skip('there is none', allow_module_level=True)\n"
    )
    for folder in ("tests/quality", "src", "tests/other"):
        _write(tmp_path, folder, "def test_holds(): pass\n")
    _write(tmp_path, "tests/system", f"{SYSTEM}def test_holds(): pass\n")
    return Workspace(tmp_path)


@pytest.mark.parametrize(("away", "ran", "status"), [(True, 2, 0), (False, 1, 1)])
def test_what_waits_for_nobody_is_run_once_more_only_if_the_machine_was_away(
    away: bool, ran: int, status: int, workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    _write(
        workspace.root, "tests/system",
        f"{SYSTEM}import gc, os, signal, time\nfrom tests.real_time import Pulse\n\n@pytest.mark.real_time\n"
        "def test_once_wrong():\n    with open('ran', 'a') as ran:\n        ran.write('x')\n"
        "    (pulse,) = [found for found in gc.get_objects() if isinstance(found, Pulse)]\n"
        f"    if {away}:\n        os.kill(pulse.process.pid, signal.SIGSTOP)\n        time.sleep(0.3)\n"
        "        os.kill(pulse.process.pid, signal.SIGCONT)\n"
        "    assert open('ran').read() == 'xx'\n",
    )  # fmt: skip
    options = ("-p", "tests.real_time", "tests/system/test_tests_system.py")
    assert _status(workspace, capfd, *options)[0] == status
    assert (workspace.root / "ran").read_text() == ran * "x"


def _write(root: Path, folder: str, text: str) -> None:
    (root / folder).mkdir(parents=True, exist_ok=True)
    (root / folder / f"test_{folder.replace('/', '_')}.py").write_text(text, encoding="utf-8")


def _status(workspace: Workspace, capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = run_tests(workspace, ("-p", "no:cacheprovider", *arguments), _environment())
    return status, capfd.readouterr().out


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def test_two_sessions_end_with_one_summary_of_both(
    workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    _write(
        workspace.root,
        "src",
        "import warnings\n\ndef test_fails():\n    warnings.warn('old')\n    assert 1 == 2\n",
    )
    _write(workspace.root, "tests/system", f"{SYSTEM}def test_fails_too():\n    assert 3 == 4\n")
    status, said = _status(workspace, capfd, "--durations=9", "-vv")
    assert status == 1
    assert said.count("short test summary info") == 1
    told = said[said.index("= FAILURES =") :]
    for wanted in (
        "assert 1 == 2",
        "assert 3 == 4",
        "UserWarning: old",
        "2 failed, 2 passed, 1 skipped, 1 warning in",
        "there is none",
    ):
        assert told.count(wanted) >= 1, told
    assert told.count("call     src/test_src.py::test_fails") == 1


@pytest.mark.parametrize(
    ("statuses", "one"),
    [((0, 0), 0), ((5, 0), 0), ((0, 5), 0), ((5, 5), 5), ((1, 0), 1), ((5, 2), 2), ((1, 2), 1)],
)
def test_a_session_that_has_nothing_to_test_is_no_failure_of_the_other(
    statuses: tuple[int, ...], one: int
) -> None:
    assert verdict(statuses) == one


def test_a_first_session_that_is_cut_short_tells_why_and_is_the_last(
    workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    _write(workspace.root, "src", "assert 1 == 2\n")
    status, said = _status(workspace, capfd, "-n0")
    assert status == 2 and "assert 1 == 2" in said and "tests/system" not in said


def test_ctrl_c_waits_until_the_tests_have_put_things_in_order(workspace: Workspace) -> None:
    _write(
        workspace.root, "tests/system",
        f"{SYSTEM}import time\nfrom pathlib import Path\n\ndef test_waits():\n    Path('begun').touch()\n    try:\n"
        "        time.sleep(60)\n    finally:\n        time.sleep(1)\n        Path('in order').touch()\n",
    )  # fmt: skip
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom segue_bringup.environment import endings, testing\n"
        "from segue_bringup.environment.workspace import Workspace\nendings.begin()\n"
        "work = lambda: testing.run_tests(Workspace(Path(sys.argv[1])), ['-q', '-n0'], os.environ)\n"
        "sys.exit(endings.finish(work))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(workspace.root)], start_new_session=True, env=_environment(),
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    while not (workspace.root / "begun").exists() and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate()[0]
    assert process.returncode == EXIT_INTERRUPTED and "KeyboardInterrupt" in said, said
    assert (workspace.root / "in order").exists() and "3 passed, 1 skipped" in said.splitlines()[-1]
