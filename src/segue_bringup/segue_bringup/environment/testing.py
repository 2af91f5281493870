"""`segue test`: the static checks and all tests, as one pytest run that ends with pytest's own closing line."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from segue_bringup.environment.workspace import Workspace

SYSTEM = "tests/system"
# From the quick to the slow; static checks are tests too (tests/quality), so that one closing line covers all.
ORDER = ("tests/quality", "src", "tests/examples", "tests/launch", SYSTEM)
DAILY = ("-m", "not thorough")
# What tests more than every day allows, by the option that asks for it.
THOROUGH = {"--faults": "tests/faults"}
FUZZ = "tests/fuzz"
_INPUTS = "10000"  # of the long fuzz, when no number is given


def pytest_command(workspace: Workspace, arguments: Sequence[str]) -> list[str]:
    """The pytest command. `--fast` leaves the system tests out; everything else goes to pytest as it is.

    Folders are added only when no argument names an existing path; what is marked `thorough` is then left out.
    `--fuzz [N]` runs the long fuzz alone.
    """
    command = [str(workspace.python), "-m", "pytest"]
    if "--fuzz" in arguments:
        return [*command, *_fuzz(arguments)]
    is_fast = "--fast" in arguments
    passed = [THOROUGH.get(argument, argument) for argument in arguments if argument != "--fast"]
    names_path = any(
        (workspace.root / argument.split("::")[0]).exists() for argument in passed if argument[0] != "-"
    )
    if not names_path:
        command += DAILY
        command += [folder for folder in _folders(workspace) if not (is_fast and folder == SYSTEM)]
    return [*command, *passed]


def _fuzz(arguments: Sequence[str]) -> list[str]:
    """`--fuzz 500 -k bags` as pytest takes it: its folder, the number as a value, the rest as it is."""
    place = arguments.index("--fuzz")
    before, after = arguments[:place], arguments[place + 1 :]
    inputs, rest = (after[0], after[1:]) if after and after[0].isdecimal() else (_INPUTS, after)
    return [FUZZ, f"--fuzz={inputs}", *before, *rest]


def _folders(workspace: Workspace) -> list[str]:
    known = [folder for folder in ORDER if (workspace.root / folder).is_dir()]
    others = [
        f"tests/{path.name}" for path in sorted((workspace.root / "tests").glob("*")) if _has_tests(path)
    ]
    return [*known[:-1], *(folder for folder in others if folder not in ORDER), *known[-1:]]


def _has_tests(path: Path) -> bool:
    return path.is_dir() and any(path.rglob("test_*.py"))


def pytest_environment(child: Mapping[str, str]) -> dict[str, str]:
    """The run environment, with a place of its own on the network so that tests never meet a running robot."""
    environment = dict(child)
    environment.setdefault("ROS_DOMAIN_ID", "77")
    environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    return environment
