"""Instructions as tokens: a hash of each word."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from segue_core.errors import ErrorCode, PolicyError
from segue_core.progress.instructions import words

NOTHING = -1
"""Between the first token and the others of a shorter instruction: what is asked stands next to the answer."""


def hashed(instruction: str, count: int) -> list[int]:
    """Token 0, which begins, one of 2 to `count` - 1 for each word, the same everywhere, and 1, which asks to act."""
    return [0, *(2 + zlib.crc32(word.encode()) % (count - 2) for word in words(instruction)), 1]


def padded(tokens: list[int], longest: int, instruction: str) -> NDArray[np.int64]:
    """Tokens (longest,), `NOTHING` behind the first of too few; raises PolicyError where there are more."""
    if len(tokens) > longest:
        text = f"instruction {instruction[:60]!r}: tokens"
        raise PolicyError(
            ErrorCode.POLICY_BAD_REQUEST,
            text,
            got=len(tokens),
            expected=f"at most {longest} (longest)",
            do="shorten it, or train with a larger `longest`",
        )
    row = np.full(longest, NOTHING, np.int64)
    row[0], row[longest + 1 - len(tokens) :] = tokens[0], tokens[1:]
    return row
