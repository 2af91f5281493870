"""The spellings of a setting: `--task X`, `--task=X`, `task:=X` and `task=X` say the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from segue_core.command_line.setting import Setting, Valid, values_of
from segue_core.errors import ConfigError, ErrorCode, nearest_name, unknown_name

_OPTION = re.compile(r"--(?P<name>[A-Za-z][\w.-]*)(?:(?P<given>:?=)(?P<value>.*))?", re.DOTALL)
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_][\w.-]*?)(?P<mark>:?=)(?P<value>.*)", re.DOTALL)
_NUMBER = re.compile(r"-[\d.]")


Elsewhere = Callable[[str], Sequence[str]]
"""Policies that have a setting of that name, where the one that is named has not."""


def nowhere(_: str) -> tuple[str, ...]:
    """No other policy has it."""
    return ()


@dataclass(frozen=True)
class Given:
    """One value that was given: the setting's canonical name, the text, and how the setting was written."""

    name: str
    text: str
    written: str


def spelled(
    words: Sequence[str],
    settings: Sequence[Setting],
    command: str,
    valid: Valid,
    elsewhere: Elsewhere = nowhere,
) -> dict[str, tuple[str, ...]]:
    """Texts by the name of their setting, in the order given; `valid` names what a lonely word may have meant.

    Raises:
        ConfigError: a name that the command does not have, an option without its value, a word too many, or two
            spellings of one setting that say different things.
    """
    by_name = _by_name(settings)
    known = partial(_known, by_name=by_name, command=command, elsewhere=elsewhere)
    given: list[Given] = []
    plain: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            plain += left
            break
        option, assigned = _OPTION.fullmatch(word), _ASSIGNMENT.fullmatch(word)
        if option:
            given += _option(option, left, known)
        elif assigned:
            setting, _ = known(assigned["name"])
            given.append(Given(setting.name, assigned["value"], f"{assigned['name']}{assigned['mark']}"))
        elif word.startswith("-") and not _NUMBER.match(word):
            raise unknown_name(f"option of {command}", word, (s.option for s in settings))
        else:
            plain.append(word)
    given += _placed(plain, settings, given, command, valid)
    return _together(given, by_name, command)


def _by_name(settings: Iterable[Setting]) -> dict[str, tuple[Setting, bool]]:
    """Every name that is understood: its setting, and whether it says false."""
    named: dict[str, tuple[Setting, bool]] = {}
    for setting in settings:
        named |= dict.fromkeys(setting.spellings, (setting, False))
        if setting.kind is bool:
            named |= dict.fromkeys((f"no_{setting.name}", *setting.word.off), (setting, True))
    return named


def _known(
    name: str, by_name: Mapping[str, tuple[Setting, bool]], command: str, elsewhere: Elsewhere
) -> tuple[Setting, bool]:
    plain = name.replace("-", "_")
    if plain not in by_name:
        if policies := elsewhere(plain):
            whose = " or ".join(policies)
            text = f"unknown setting of {command} {name!r}: it says how {whose} answers, not this policy"
            do = f"add policy:={policies[0]}, or the checkpoint:=FOLDER of one"
            raise ConfigError(ErrorCode.CONFIG_UNKNOWN_NAME, text, do=do)
        shown = sorted({setting.name for setting, _ in by_name.values()})
        near = nearest_name(plain, by_name)
        error = unknown_name(f"setting of {command}", name, shown)
        if near and near not in shown:  # such as another name of a setting
            raise ConfigError(error.code, f"{error.text} (did you mean {near!r}?)")
        raise error
    return by_name[plain]


def _option(
    match: re.Match[str], left: list[str], known: Callable[[str], tuple[Setting, bool]]
) -> list[Given]:
    setting, negative = known(match["name"])
    written = f"--{match['name']}"
    if setting.kind is bool:
        text = match["value"] if match["given"] else "true"
        return [Given(setting.name, _negated(text) if negative else text, written)]
    if match["given"]:
        return [Given(setting.name, match["value"], written)]
    texts = [left.pop(0)] if left and not _OPTION.fullmatch(left[0]) else []
    while setting.many and left and not left[0].startswith("--") and not _ASSIGNMENT.fullmatch(left[0]):
        texts.append(left.pop(0))
    if not texts:
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, f"{written} has no value", expected=setting.help)
    return [Given(setting.name, text, written) for text in texts]


def _negated(text: str) -> str:
    return {"true": "false", "false": "true"}.get(text.lower(), text)


def _placed(
    plain: Sequence[str], settings: Sequence[Setting], given: Sequence[Given], command: str, valid: Valid
) -> list[Given]:
    """The words without a name, each at the next place that is free; the last place takes all, if it takes many."""
    named = {one.name for one in given}
    free = [setting for setting in settings if setting.word.place and setting.name not in named]
    found = []
    for number, word in enumerate(plain):
        setting = free[min(number, len(free) - 1)] if free else None
        if setting is None or (number >= len(free) and not setting.many):
            raise _too_many(word, settings, command, valid)
        found.append(Given(setting.name, word, setting.name.upper()))
    return found


def _too_many(word: str, settings: Sequence[Setting], command: str, valid: Valid) -> ConfigError:
    meant = [setting.name for setting in settings if word in values_of(setting, valid)]
    near = nearest_name(word.replace("-", "_"), [setting.name for setting in settings])
    guess = f"{meant[0]}:={word}" if meant else f"{near}:=VALUE" if near else ""
    text = f"{command} does not take the word {word!r}{f' (did you mean {guess}?)' if guess else ''}"
    expected = "settings, each as name:=value, name=value or --name value"
    return ConfigError(
        ErrorCode.CONFIG_UNKNOWN_NAME, text, expected=expected, do=f"./{command} --help lists them"
    )


def _together(
    given: Sequence[Given], by_name: Mapping[str, tuple[Setting, bool]], command: str
) -> dict[str, tuple[str, ...]]:
    texts: dict[str, tuple[str, ...]] = {}
    first: dict[str, Given] = {}
    for one in given:
        setting, _ = by_name[one.name]
        before = first.setdefault(one.name, one)
        if before.written != one.written and not _same(before.text, one.text) and not setting.many:
            text = f"{before.written} and {one.written} say different things of {one.name}; leave one out"
            raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=f"{before.text}, {one.text}")
        texts[one.name] = (*texts.get(one.name, ()), one.text) if setting.many else (one.text,)
    return texts


def _same(one: str, other: str) -> bool:
    return one == other or Path(one).absolute() == Path(other).absolute()


def first_places(words: Sequence[str], settings: Sequence[Setting], names: Sequence[str]) -> dict[str, str]:
    """What the words say of `names`, whatever else they say: for a command whose other settings depend on them.

    A setting that is not among `settings` is passed over with its value.
    """
    by_name = _by_name(settings)
    found: dict[str, str] = {}
    places = [setting.name for setting in settings if setting.word.place]
    left = list(words)
    while left:
        word = left.pop(0)
        match = _OPTION.fullmatch(word) or _ASSIGNMENT.fullmatch(word)
        if match is None:
            if places and not word.startswith("-"):
                found.setdefault(places.pop(0), word)
            continue
        setting, _ = by_name.get(match["name"].replace("-", "_"), (None, False))
        if match["value"] is not None:
            value = match["value"]
        elif setting is not None and setting.kind is bool:
            continue
        else:
            value = left.pop(0) if left else ""
        if setting is not None:
            found[setting.name] = value
    return {name: found[name] for name in names if name in found}
