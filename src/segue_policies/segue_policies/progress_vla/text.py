"""Instructions as rows of a table: each word by a hash that is the same everywhere."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from segue_core.progress.instructions import words
from segue_policies.progress_vla.config import NetworkConfig


def word_rows(instruction: str, config: NetworkConfig) -> NDArray[np.int64]:
    """Rows (L,) of an instruction's words from 1 on, 0 behind the last; what is longer is cut."""
    rows = np.zeros(config.longest, dtype=np.int64)
    for place, word in enumerate(words(instruction)[: config.longest]):
        rows[place] = 1 + zlib.crc32(word.encode()) % config.word_buckets
    return rows
