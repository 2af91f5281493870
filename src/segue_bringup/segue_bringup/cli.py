"""The `segue` command line of the set-up workspace: words are checked, then the command's package is imported.

What takes time to import is imported when the process has taken Ctrl-C and its like for itself (`entry`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from segue_bringup.environment import endings
from segue_bringup.environment.errors import EXIT_ENVIRONMENT, EnvironmentProblem
from segue_bringup.environment.words import index as indices
from segue_bringup.environment.workspace import Workspace
from segue_bringup.supervision.head_start import head_start

if TYPE_CHECKING:
    from segue_core.command_line.verb import Chosen


def _refuse_environment(chosen: Chosen) -> None:
    from segue_bringup.environment.conditions import refuse_for

    refuse_for(chosen.command.split()[1], os.environ, Workspace.of_this_file())


def _refuse_sooner_next_time() -> None:
    """Make the index of commands anew if it is stale: with it the `segue` script says what this process had to say."""
    workspace = Workspace.of_this_file()
    if workspace.state.is_dir() and indices.usual_configuration() and indices.load(workspace) is None:
        from segue_bringup import command_index

        command_index.main([str(workspace.state / indices.FILE)])


def _perform(words: Sequence[str]) -> int:
    from segue_bringup.catalogue import names
    from segue_bringup.verbs import VERBS
    from segue_core.command_line.main import perform

    return perform(words, VERBS, names, before=_refuse_environment)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every error becomes one sentence and a documented exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["help"]:
        given = [*given[1:], "--help"]
    try:
        with head_start(given):
            return _perform(given)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return endings.EXIT_INTERRUPTED
    except EnvironmentProblem as problem:
        print(f"segue: {problem}", file=sys.stderr)
        return EXIT_ENVIRONMENT
    except Exception as error:
        if isinstance(error, BrokenPipeError) and endings.reader_gone():
            endings.silence_broken()  # `segue ... | head`: whoever read what is printed has read enough
            return endings.EXIT_READER_GONE
        return _told(error, given)


def _told(error: Exception, given: Sequence[str]) -> int:
    from segue_bringup.verbs import VERBS
    from segue_core.command_line.verb import named
    from segue_core.exit_status import ExitStatus, ending

    status, said = ending(error)
    print(f"{named(given, VERBS)}: {said}", file=sys.stderr)
    if status == ExitStatus.USAGE:
        _refuse_sooner_next_time()
    return status


def entry() -> int:
    """`main` as a process: Ctrl-C and readers that quit leave no trace at any moment."""
    endings.begin()
    from segue_bringup.environment.conditions import fill_in

    os.environ.update(fill_in(os.environ, Workspace.of_this_file()))
    return endings.finish(main)


if __name__ == "__main__":
    sys.exit(entry())
