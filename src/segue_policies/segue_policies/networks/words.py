"""Instructions as rows of a table: each word by a hash that is the same everywhere."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from segue_core.progress.instructions import words


def word_rows(instruction: str, longest: int, buckets: int) -> NDArray[np.int64]:
    """Rows (longest,) of an instruction's words, 1 to `buckets`, 0 behind the last; what is longer is cut."""
    rows = np.zeros(longest, dtype=np.int64)
    for place, word in enumerate(words(instruction)[:longest]):
        rows[place] = 1 + zlib.crc32(word.encode()) % buckets
    return rows
