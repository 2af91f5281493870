"""How well an instruction is known that an estimator is told: by the words it shares with those of its training."""

import re
from collections.abc import Iterable

KNOWN = 0.5
"""An estimator that knows less of its instruction is not believed: its tasks end by other rules."""

_UNSEEN = 0.99  # at most, of other words in the same set


def words(text: str) -> tuple[str, ...]:
    """Words without case and signs."""
    return tuple(re.findall(r"\w+", text.casefold()))


def familiarity(instruction: str, trained: Iterable[str]) -> float:
    """1 for an instruction of the training, whatever its case and signs; else the share of words with the nearest.

    The share is of all words of both, so 0 says that nothing of it is known.
    """
    told = words(instruction)
    return max((_alike(told, words(known)) for known in trained), default=0.0)


def _alike(told: tuple[str, ...], known: tuple[str, ...]) -> float:
    if told == known:
        return 1.0
    return _UNSEEN * len({*told} & {*known}) / len({*told} | {*known})
