"""One setting of a command: name, type, default, range and meaning, as a typed model declares them.

Standard library only, as are spelling.py and checking.py: what is wrong with a word can be said before anything is
imported that takes time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, get_origin

REQUIRED: Final = "required"
"""Stands for the default of a setting that must be given."""

GENERAL: Final = "Settings"

Valid = Callable[[str], Sequence[str]]
"""From a folder of config/, such as "robots", to the names that it offers."""


@dataclass(frozen=True)
class Word:
    """How a field of a settings model is written, beyond what its name, type, default and description say.

    Args:
        name: how it is called, where the field cannot be.
        also: other names that are understood.
        off: options that say false.
        names: folder of config/ whose names are the values, such as "robots".
        place: stands without its name, in the order of the fields.
        shown: what stands for the value in help.
        free: other values than the `names` are taken, too.
        commas: a value is several of the `names`, with commas; their command judges them.
        judge: "package.module:name" of what refuses a text, see `judges`.
        hidden: no word of the command line; the command fills it in.
    """

    name: str = ""
    also: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    names: str = ""
    place: bool = False
    shown: str = ""
    free: bool = False
    commas: bool = False
    judge: str = ""
    hidden: bool = False


@dataclass(frozen=True)
class Range:
    """Bounds of a number; the open ones are outside."""

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: float) -> bool:
        above = self.low is None or (value > self.low if self.low_open else value >= self.low)
        below = self.high is None or (value < self.high if self.high_open else value <= self.high)
        return above and below

    def __str__(self) -> str:
        closed = not (self.low_open or self.high_open)
        if closed and self.low is not None and self.high is not None:
            return f"{_number(self.low)} to {_number(self.high)}"
        parts = []
        if self.low is not None:
            parts.append(
                f"more than {_number(self.low)}" if self.low_open else f"{_number(self.low)} or more"
            )
        if self.high is not None:
            parts.append(f"{'less than' if self.high_open else 'at most'} {_number(self.high)}")
        return ", ".join(parts)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


@dataclass(frozen=True)
class Setting:
    """One thing that a command can be told.

    Args:
        name: as it is written, with underscores; dots lead into a nested model.
        kind: bool, int, float, str, Path, or a tuple of one of them: what its text becomes.
        default: what holds when it is not given, or REQUIRED.
        key: name of the field that it fills; that of the setting when empty.
        word: how it is written.
        listed: whether help shows it.
        structured: its text has parts (a mapping, several values), which whoever builds from it reads.
    """

    name: str
    kind: Any
    default: Any
    help: str
    group: str = GENERAL
    choices: tuple[str, ...] = ()
    range: Range | None = None
    key: str = ""
    word: Word = field(default_factory=Word)
    listed: bool = True
    structured: bool = False

    @property
    def many(self) -> bool:
        """Whether it takes several values."""
        return get_origin(self.kind) is tuple

    @property
    def option(self) -> str:
        """As an option: `--time-limit-s`."""
        return "--" + self.name.replace("_", "-")

    @property
    def spellings(self) -> tuple[str, ...]:
        """All names that mean it."""
        return (self.name, *self.word.also)


def values_of(setting: Setting, valid: Valid) -> tuple[str, ...]:
    """The texts that a setting may have; empty where they cannot be listed."""
    named = setting.word.names and not setting.word.commas
    return setting.choices or (tuple(valid(setting.word.names)) if named else ())
