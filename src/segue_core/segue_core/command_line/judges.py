"""Texts with a form of their own, judged before anything is imported: what `Word.judge` names. Standard library only.

A judge takes the text and the names that the setting offers, and raises ConfigError.
"""

from __future__ import annotations

from collections.abc import Sequence

from segue_core.errors import ConfigError, ErrorCode, unknown_name

SEEDS = "FIRST:END (END excluded), a number, or several joined by commas"


def seeds(text: str, _: Sequence[str]) -> None:
    """Seeds as `parse_seeds` reads them."""
    parse_seeds(text)


def suite(text: str, known: Sequence[str]) -> None:
    """A suite's name, or `list`."""
    if text != "list":
        full_name(text, known, "suite")


def full_name(name: str, known: Sequence[str], kind: str) -> str:
    """The full name that `name` means: itself, or the one that it follows the first dash of, if that is unambiguous.

    Raises ConfigError listing all names.
    """
    meant = [full for full in known if name in (full, full.partition("-")[2])]
    if len(meant) != 1:
        raise unknown_name(kind, name, known)
    return meant[0]


def _part(text: str, whole: str) -> range:
    try:
        first, colon, last = text.partition(":")
        seeds = range(int(first), int(last) if colon else int(first) + 1)
    except ValueError:
        raise _refusal(whole) from None
    if len(seeds) == 0 or seeds.start < 0:
        raise _refusal(whole)
    return seeds


def _refusal(text: str) -> ConfigError:
    return ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "seeds", got=repr(text), expected=SEEDS)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds in the order written, without repeats: `1000:1003,7` is (1000, 1001, 1002, 7).

    Raises ConfigError for anything else, an empty range or a negative seed.
    """
    seeds = [seed for part in text.split(",") for seed in _part(part.strip(), text)]
    return tuple(dict.fromkeys(seeds))
