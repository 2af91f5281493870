"""A command by name: where its settings are declared and where its work is done, imported when it is chosen."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segue_core.command_line.form import Form, form_of
from segue_core.command_line.reading import read
from segue_core.command_line.setting import Valid
from segue_core.errors import unknown_name

HELP = frozenset({"-h", "--help"})


@dataclass(frozen=True)
class Verb:
    """One command.

    Args:
        about: one line for the list of commands.
        takes: "package.module:name" of a settings model, or of a function from the words to a `Form`.
        does: "package.module:name" of a function from what the form builds to an exit status.
        more: "package.module:name" of a function from the form and the words to a form with what these add to it.
    """

    about: str
    takes: str
    does: str
    more: str = ""

    def form(self, words: Sequence[str]) -> Form:
        """What it takes; the words decide where a command takes other settings for each of its subjects."""
        declared = pkgutil.resolve_name(self.takes)
        form = form_of(declared) if isinstance(declared, type) else declared(words)
        form = pkgutil.resolve_name(self.more)(form, words) if self.more else form
        assert isinstance(form, Form)
        return form

    def work(self) -> Callable[[Any], int]:
        """What it does; imports what it works with."""
        found: Callable[[Any], int] = pkgutil.resolve_name(self.does)
        return found


Verbs = Mapping[str, "Verb | Verbs"]
"""Commands by name; those of a group, such as `data`, by theirs."""


@dataclass(frozen=True)
class Chosen:
    """A command that words name, and the words that are left for it."""

    command: str
    verb: Verb
    words: tuple[str, ...]

    def help(self, valid: Valid, width: int) -> str:
        """The text of `--help`."""
        from segue_core.command_line.typed import help_text

        form = self.verb.form([word for word in self.words if word not in HELP])
        return help_text(form, self.command, valid, width)

    def options(self, valid: Valid) -> Any:
        """What the words say, checked; ConfigError for what is wrong with them."""
        return read(self.words, self.verb.form(self.words), self.command, valid)

    @property
    def asks_for_help(self) -> bool:
        """Whether `-h` or `--help` is among the words."""
        return bool(HELP & set(self.words))


def choose(words: Sequence[str], verbs: Verbs, command: str = "segue") -> Chosen | str:
    """The command that the words name, or the list of commands where they ask for it.

    Raises:
        ConfigError: no such command; the nearest, and all that there are.
    """
    first = words[0] if words else "--help"
    if first in HELP:
        return listing(verbs, command)
    if first not in verbs:
        raise unknown_name(f"command of {command}", first, verbs)
    found, name = verbs[first], f"{command} {first}"
    return (
        Chosen(name, found, tuple(words[1:])) if isinstance(found, Verb) else choose(words[1:], found, name)
    )


def listing(verbs: Verbs, command: str) -> str:
    """Name and line of every command of a group."""
    width = max(map(len, verbs))
    lines = [f"  {name:<{width}}  {_about(verb)}" for name, verb in verbs.items()]
    head = f"usage: {command} COMMAND ...        ({command} COMMAND --help: its settings)"
    return "\n".join([head, "", *lines]) + "\n"


def _about(verb: Verb | Verbs) -> str:
    return verb.about if isinstance(verb, Verb) else ", ".join(verb)


def every(verbs: Verbs, command: str = "segue") -> dict[str, Verb]:
    """All commands by their whole names, such as "segue data check"."""
    found: dict[str, Verb] = {}
    for name, verb in verbs.items():
        whole = f"{command} {name}"
        found |= {whole: verb} if isinstance(verb, Verb) else every(verb, whole)
    return found


def named(words: Sequence[str], verbs: Verbs, command: str = "segue") -> str:
    """The command that words name, as far as there is one."""
    found = verbs.get(words[0]) if words else None
    if found is None:
        return command
    whole = f"{command} {words[0]}"
    return whole if isinstance(found, Verb) else named(words[1:], found, whole)
