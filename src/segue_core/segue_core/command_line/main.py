"""Words to an exit status, for a package's own program: `python -m segue_data.cli ...`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence

from segue_core.command_line.asked_to_end import heard_as_interrupt
from segue_core.command_line.form import form_of
from segue_core.command_line.reading import read
from segue_core.command_line.setting import Valid
from segue_core.command_line.verb import HELP, Chosen, Verbs, choose, named
from segue_core.contracts.base import ModelT
from segue_core.exit_status import ExitStatus, ending


def perform(
    words: Sequence[str],
    verbs: Verbs,
    valid: Valid,
    command: str = "segue",
    before: Callable[[Chosen], None] = lambda _: None,
) -> int:
    """Do what the words say; the exit status. `before` runs between reading the words and the work.

    Raises:
        SegueError: words that are wrong, or what the work raises.
    """
    chosen = choose(words, verbs, command)
    width = shutil.get_terminal_size((100, 24)).columns
    if isinstance(chosen, str) or chosen.asks_for_help:
        print(chosen if isinstance(chosen, str) else chosen.help(valid, min(width, 120)), end="")
        return ExitStatus.SUCCESS if words else ExitStatus.USAGE
    options = chosen.options(valid)
    before(chosen)
    return int(chosen.verb.work()(options))


def program(
    words: Sequence[str] | None, model: type[ModelT], work: Callable[[ModelT], int], command: str
) -> int:
    """A program of one command whose settings are `model`'s; its exit status."""
    given = list(sys.argv[1:] if words is None else words)
    form = form_of(model)
    try:
        if HELP & set(given):
            from segue_core.command_line.typed import help_text

            print(help_text(form, command, lambda _: (), 100), end="")
            return ExitStatus.SUCCESS
        with heard_as_interrupt():
            return work(read(given, form, command, lambda _: ()))
    except KeyboardInterrupt:
        print(f"{command}: interrupted", file=sys.stderr)
        return ExitStatus.INTERRUPTED
    except Exception as error:
        status, said = ending(error)
        print(f"{command}: {said}", file=sys.stderr)
        return status


def main(words: Sequence[str] | None, verbs: Verbs, valid: Valid, command: str, kept: str) -> int:
    """Perform, and turn errors into one sentence and a status of docs/exit-codes.md; `kept` is said of an interrupt."""
    given = list(sys.argv[1:] if words is None else words)
    try:
        with heard_as_interrupt():
            return perform(given, verbs, valid, command)
    except KeyboardInterrupt:
        print(f"interrupted; {kept}", file=sys.stderr)
        return ExitStatus.INTERRUPTED
    except Exception as error:
        status, said = ending(error)
        print(f"{named(given, verbs, command)}: {said}", file=sys.stderr)
        return status
