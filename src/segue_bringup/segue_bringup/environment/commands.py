"""The `segue` command: its own subcommands, and set-up followed by the rest of the command line for the others."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from segue_bringup.environment import torch_choice
from segue_bringup.environment.checks import machine_checks, require
from segue_bringup.environment.doctor import doctor, print_problem
from segue_bringup.environment.endings import EXIT_INTERRUPTED, hold
from segue_bringup.environment.errors import EXIT_ENVIRONMENT, EnvironmentProblem
from segue_bringup.environment.lock import exclusive
from segue_bringup.environment.ros import find_ros, require_importable
from segue_bringup.environment.setup_display import SetupDisplay, elapsed_text
from segue_bringup.environment.setup_steps import Setup
from segue_bringup.environment.stamps import StampStore
from segue_bringup.environment.steps import pending, run_pending
from segue_bringup.environment.testing import OWN, misspelt, pytest_environment, run_tests
from segue_bringup.environment.variables import run_environment, sourcing_lines
from segue_bringup.environment.words import completing, index_making, script_settings
from segue_bringup.environment.words.page import EXIT_USAGE, HELP
from segue_bringup.environment.workspace import Workspace

_WITHOUT_ROS2 = (
    "ROS 2 from wheels has no command line of its own: install ROS 2 on the system, set up again, or write a script "
    "with rclpy and start it by `./segue shell python3 FILE`"
)


def ensure_set_up(workspace: Workspace, environment: Mapping[str, str]) -> dict[str, str]:
    """Do the set-up steps that are not done, and return the environment of child processes.

    Raises:
        EnvironmentProblem: a person must act first.
    """
    ros = find_ros(workspace, environment)
    steps = Setup(workspace, ros, environment).steps()
    stamps = StampStore(workspace.state)
    if pending(steps, stamps):
        require(machine_checks(workspace, environment))
        require_importable(ros)
        try:
            with exclusive(workspace.logs / "lock"):
                _set_up(workspace, lambda: Setup(workspace, ros, environment), stamps)
        except KeyboardInterrupt:
            print(
                "\nthe same command goes on with the set-up where this one stopped", end="", file=sys.stderr
            )
            raise
    return run_environment(workspace, ros, environment)


def _set_up(workspace: Workspace, setup: Callable[[], Setup], stamps: StampStore) -> None:
    shown: list[SetupDisplay] = []

    def display(total: int) -> SetupDisplay:
        print(
            f"Setting up {workspace.root} ({setup().ros.describe()}); logs in {workspace.logs}",
            file=sys.stderr,
        )
        shown.append(SetupDisplay(total))
        return shown[0]

    run_pending(setup().steps(), stamps, display)
    index_making.refreshed(workspace)
    if shown:
        print(f"Set up in {elapsed_text(shown[0].age_s)}.", file=sys.stderr)


def _setup(workspace: Workspace, arguments: Sequence[str]) -> int:
    texts = script_settings.given(workspace, "setup", arguments)
    if texts:
        file = Setup(workspace, find_ros(workspace, os.environ), os.environ).choice_file
        choice = torch_choice.TorchChoice(texts.get("torch", "any"), texts.get("torch_index", ""))
        torch_choice.save_choice(file, choice)
    ensure_set_up(workspace, os.environ)
    print("The workspace is set up.")
    return 0


def _doctor(workspace: Workspace, arguments: Sequence[str]) -> int:
    file = script_settings.given(workspace, "doctor", arguments).get("json")
    return doctor(workspace, os.environ, Path(file) if file else None)


def _test(workspace: Workspace, arguments: Sequence[str]) -> int:
    if arguments and arguments[0] in HELP[1:]:
        print(
            "usage: ./segue test [--fast | --faults | --fuzz [N]] [what pytest takes ...]\n\n"
            "The checks and tests of every day; --fast: none that starts a graph;\n"
            "--faults: the fault suite (docs/faults.md); --fuzz: N damaged inputs (10000) of everything that is read."
        )
        return 0
    if wrong := misspelt(arguments):
        raise _unknown_option(workspace, wrong[0])
    return run_tests(workspace, arguments, pytest_environment(ensure_set_up(workspace, os.environ)))


def _env(workspace: Workspace, arguments: Sequence[str]) -> int:
    script_settings.given(workspace, "env", arguments)
    child = ensure_set_up(workspace, os.environ)
    changed = {name: value for name, value in child.items() if os.environ.get(name) != value}
    print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in sorted(changed.items())))
    if sys.stdout.isatty():
        print('# eval "$(./segue env)", or source these two files:', *sourcing_lines(workspace), sep="\n#   ")
    return 0


def _shell(workspace: Workspace, arguments: Sequence[str]) -> int:
    if arguments and arguments[0] in HELP[1:]:
        print(
            "usage: ./segue shell [COMMAND ...]\n\nA shell in the workspace's environment, or one command in it."
        )
        return 0
    child = ensure_set_up(workspace, os.environ)
    command = list(arguments) or [os.environ.get("SHELL", "bash")]
    return _replace_process(command, child)


def _forward(workspace: Workspace, arguments: Sequence[str]) -> int:
    child = ensure_set_up(workspace, os.environ)
    hold()  # until the next program has begun
    return _replace_process([str(workspace.python), "-m", "segue_bringup.cli", *arguments], child)


def _replace_process(command: list[str], child: dict[str, str]) -> int:
    sys.stdout.flush()
    try:
        os.execvpe(command[0], command, child)
    except OSError as error:
        raise EnvironmentProblem(
            f"cannot start {command[0]}: {error.strerror}",
            _WITHOUT_ROS2 if command[0] == "ros2" else "check its name",
        ) from error


def _completion(_: Workspace, arguments: Sequence[str]) -> int:
    return completing.script(arguments)


COMMANDS: dict[str, Callable[[Workspace, Sequence[str]], int]] = {
    "setup": _setup,
    "doctor": _doctor,
    "test": _test,
    "env": _env,
    "shell": _shell,
    "completion": _completion,
}


def _unknown_option(workspace: Workspace, word: str) -> Exception:
    script_settings.rules(workspace)
    from segue_core.errors import unknown_name

    return unknown_name("option of segue test", word, OWN)


def _refusal(workspace: Workspace) -> type[Exception]:
    script_settings.rules(workspace)
    from segue_core.errors import ConfigError

    return ConfigError


def main(arguments: Sequence[str]) -> int:
    """Run one command that is one (see `first`); its own exit status, 6 for the environment, 130 for Ctrl-C."""
    workspace = Workspace.of_this_file()
    if arguments[0] in HELP:
        arguments = [*arguments[1:], "--help"]
    if arguments[0] in script_settings.SETTINGS and set(HELP[1:]) & set(arguments):
        print(script_settings.help_text(arguments[0]), end="")
        return 0
    try:
        if arguments[0] in COMMANDS:
            return COMMANDS[arguments[0]](workspace, arguments[1:])
        return _forward(workspace, arguments)
    except EnvironmentProblem as problem:
        print_problem(problem)
        return EXIT_ENVIRONMENT
    except _refusal(workspace) as error:
        print(f"segue {arguments[0]}: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("\nsegue: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
