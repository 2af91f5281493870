"""The `segue` command line. Each subcommand belongs to the package that does the work."""

import argparse
import os
import sys
from collections.abc import Sequence

from segue_bringup.environment import endings
from segue_bringup.environment.conditions import fill_in, refuse_for
from segue_bringup.environment.errors import EnvironmentProblem
from segue_bringup.environment.workspace import Workspace
from segue_core.errors import nearest_name
from segue_core.exit_status import ExitStatus, ending

_DESCRIPTION = """\
Train, run, record and compare action-chunk policies on simulated and real arms.

  segue run                     one episode, with bag, video and report
  segue serve                   the policy alone, for a robot on another machine
  segue move home               the arms to a named pose, by a planned way
  segue eval --seeds 0:50       many seeds in lockstep, as a table
  segue record                  demonstrations by keyboard, gamepad, leader arm or script
  segue replay BAG              a recorded episode again, in the simulator or on the robot
  segue data check FOLDER       recordings and datasets
  segue train act data=FOLDER   a policy from a dataset
  segue SUBCOMMAND --help       everything else; all subcommands are in docs/commands.md
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands; each sets `func(options) -> exit status`."""
    from segue_bringup import delegates
    from segue_bringup.run import gazebo, move, moveit, record, replay, serve, soak, views
    from segue_bringup.run.command import add_parser

    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="segue", description=_DESCRIPTION, formatter_class=formatter)
    subparsers = parser.add_subparsers(dest="command", metavar="SUBCOMMAND", required=True)
    add_parser(subparsers)
    move.add_parser(subparsers)
    serve.add_parser(subparsers)
    gazebo.add_parser(subparsers)
    moveit.add_parser(subparsers)
    views.add_parser(subparsers)
    record.add_parser(subparsers)
    replay.add_parser(subparsers)
    soak.add_parser(subparsers)
    delegates.add_parsers(subparsers)
    return parser


def parse(given: Sequence[str], parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parsed words; launch arguments may stand behind options too, where argparse does not look for them."""
    options, left = parser.parse_known_args(given)
    words = [word for word in left if ":=" in word and not word.startswith("-")]
    if left != words or (words and not hasattr(options, "arguments")):
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    if words:
        options.arguments = [*options.arguments, *words]
    return options


def _hint(arguments: Sequence[str], parser: argparse.ArgumentParser) -> str:
    """The nearest subcommand, when the first word is none."""
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    names = [name for action in actions for name in action.choices]
    first = arguments[0] if arguments else ""
    near = nearest_name(first, names) if first and not first.startswith("-") and first not in names else None
    return f"segue: did you mean {near!r}?" if near else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; every error becomes one sentence and a documented exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["help"]:
        given = [*given[1:], "--help"]
    try:
        refuse_for(given[0] if given else "", os.environ, Workspace.of_this_file())
    except EnvironmentProblem as problem:
        print(f"segue: {problem}", file=sys.stderr)
        return ExitStatus.ENVIRONMENT
    parser = build_parser()
    try:
        options = parse(given, parser)
    except SystemExit as ended:
        if ended.code and (hint := _hint(given, parser)):
            print(hint, file=sys.stderr)
        return int(ended.code or 0) if isinstance(ended.code, int | None) else ExitStatus.USAGE
    try:
        return int(options.func(options))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return ExitStatus.INTERRUPTED
    except Exception as error:
        if isinstance(error, BrokenPipeError) and endings.reader_gone():
            endings.silence_broken()  # `segue ... | head`: whoever read what is printed has read enough
            return ExitStatus.READER_GONE
        status, said = ending(error)
        print(f"segue {options.command}: {said}", file=sys.stderr)
        return status


def entry() -> int:
    """`main` as a process: Ctrl-C and readers that quit leave no trace at any moment."""
    endings.begin()
    os.environ.update(fill_in(os.environ, Workspace.of_this_file()))
    return endings.finish(main)


if __name__ == "__main__":
    sys.exit(entry())
