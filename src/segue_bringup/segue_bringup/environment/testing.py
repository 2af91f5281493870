"""`segue test`: the static checks and all tests, as pytest sessions that end with one summary.

What needs no quiet machine runs first, in as many processes as there are processors; then, one after the other, what is
marked `system`: graphs in real time.
"""

import difflib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from segue_bringup.environment.foreground import run_to_its_end
from segue_bringup.environment.workspace import Workspace

# Static checks are tests too, so that one closing line covers all; they are slow, so they begin.
QUALITY = "tests/quality"
# One after the other: from the quick to the slow. Beside each other long files begin, so that none is left over.
LAST = ("tests/faults", "tests/system")
DAILY = ("-m", "not thorough")
# What tests more than every day allows, by the option that asks for it.
THOROUGH = {"--faults": "tests/faults"}
FUZZ = "tests/fuzz"
OWN = ("--fast", "--fuzz", *THOROUGH)
_INPUTS = "10000"  # of the long fuzz, when no number is given
_MOST_WORKERS = 4  # each has torch, MuJoCo and ROS in its memory
_NOTHING_TO_TEST = 5  # pytest's status


def misspelt(arguments: Sequence[str]) -> tuple[str, str] | None:
    """A word that is almost an option of `segue test`, and that option; pytest has none so near to ours."""
    for word in arguments:
        near = difflib.get_close_matches(word, OWN, n=1, cutoff=0.8) if word.startswith("--") else []
        if near and word not in OWN:
            return word, near[0]
    return None


def run_tests(workspace: Workspace, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the sessions that the arguments ask for; their verdict."""
    with tempfile.TemporaryDirectory(prefix="segue-test-") as folder:
        kept = Path(folder) / "reports.json"
        statuses: list[int] = []
        for command in pytest_commands(workspace, arguments, kept):
            if statuses and not kept.exists():  # cut short
                break
            statuses.append(run_to_its_end(command, environment, workspace.root))
    return verdict(statuses)


def verdict(statuses: Sequence[int]) -> int:
    """One status for all sessions: of the first that was not well; one that had nothing to test is no failure."""
    return next((status for status in statuses if status not in (0, _NOTHING_TO_TEST)), min(statuses))


def pytest_commands(workspace: Workspace, arguments: Sequence[str], kept: Path) -> list[list[str]]:
    """The pytest sessions. Arguments that are not `segue test`'s own go to each of them as they are.

    Where no argument names an existing path there are two, with one summary by way of `kept`, and what is marked
    `thorough` is left out; `--fast` leaves out the second. `--fuzz [N]` runs the long fuzz alone.
    """
    command = [str(workspace.python), "-m", "pytest"]
    if "--fuzz" in arguments:
        return [[*command, *_fuzz(arguments)]]
    is_fast = "--fast" in arguments
    passed = [THOROUGH.get(argument, argument) for argument in arguments if argument != "--fast"]
    if any((workspace.root / argument.split("::")[0]).exists() for argument in passed if argument[0] != "-"):
        return [[*command, *passed]]
    command += ["-p", "tests.one_summary", *DAILY]
    folders = _folders(workspace)
    alongside = [*command, *_workers(passed), "--alongside", QUALITY, *folders, "src", *passed]
    alone = [*command, f"--tell-too={kept}", "--alone", *folders, *passed, "-n0"]
    return [alongside] if is_fast else [[*alongside, f"--tell-later={kept}"], alone]


def _workers(passed: Sequence[str]) -> list[str]:
    """Whole files go to each process, so that a file's fixtures are made once."""
    processors = len(os.sched_getaffinity(0))
    if processors == 1 or "--pdb" in passed:
        return []
    return [f"-n{min(processors, _MOST_WORKERS)}", "--dist=loadfile", "--no-loadscope-reorder"]


def _fuzz(arguments: Sequence[str]) -> list[str]:
    """`--fuzz 500 -k bags` as pytest takes it: its folder, the number as a value, the rest as it is."""
    place = arguments.index("--fuzz")
    before, after = arguments[:place], arguments[place + 1 :]
    inputs, rest = (after[0], after[1:]) if after and after[0].isdecimal() else (_INPUTS, after)
    return [FUZZ, f"--fuzz={inputs}", *before, *rest]


def _folders(workspace: Workspace) -> list[str]:
    found = [
        f"tests/{path.name}" for path in sorted((workspace.root / "tests").glob("*")) if _has_tests(path)
    ]
    return sorted((folder for folder in found if folder != QUALITY), key=lambda folder: folder in LAST)


def _has_tests(path: Path) -> bool:
    return path.is_dir() and any(path.rglob("test_*.py"))


def pytest_environment(child: Mapping[str, str]) -> dict[str, str]:
    """The run environment, with a place of its own on the network so that tests never meet a running robot.

    What is compiled is kept: hundreds of processes import the same modules, and so does the second session.
    """
    environment = {name: value for name, value in child.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment.setdefault("ROS_DOMAIN_ID", "77")
    environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    return environment
