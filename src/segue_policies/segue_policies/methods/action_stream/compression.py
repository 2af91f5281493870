"""Chunks as few tokens, as FAST does (arXiv 2501.09747): cosines, rounding, byte-pair merges learned on the data.

chunk (H, K) in -1..1 -> DCT along the rows -> times `scale`, rounded -> slowest cosine first, H K symbols
    symbols    -c ... c         c = ceil(scale sqrt(H)): what an orthonormal cosine of values in -1..1 can reach
    codes      0 ... 2c | 2c + 1 ...        a symbol each, then pairs of codes in the order in which they were merged

Rounding is all that is lost: at most 1/2 step of each coefficient. The cosines are orthonormal, so each of a chunk's
dimensions comes back within 1 / (2 scale), in the mean square over its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.files import parse_json
from segue_policies.methods.action_stream.config import symbols_of
from segue_policies.networks.pretrained import library

Merges = tuple[tuple[int, int], ...]
_FIRST = 0x4E00
"""Symbols are letters to the library: this one and those behind it, of which none is a space."""


@dataclass(frozen=True)
class ChunkCode:
    """The code between chunks and tokens.

    Args:
        rows, dim: H and K.
        scale: steps of a coefficient per unit.
        merges: pairs of codes that are one code.
    """

    rows: int
    dim: int
    scale: float
    merges: Merges = ()

    @property
    def symbols(self) -> int:
        """Values of a rounded coefficient."""
        return symbols_of(self.scale, self.rows)

    @property
    def count(self) -> int:
        """How many codes there are."""
        return self.symbols + len(self.merges)

    @cached_property
    def spelled(self) -> tuple[tuple[int, ...], ...]:
        """The symbols of every code."""
        found: list[tuple[int, ...]] = [(symbol,) for symbol in range(self.symbols)]
        for first, second in self.merges:
            found.append(found[first] + found[second])
        return tuple(found)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Symbols of every code, (C,)."""
        return np.array([len(one) for one in self.spelled])

    def encode(self, chunks: NDArray[np.float32]) -> list[list[int]]:
        """Codes of chunks (B, H, K); what lies beyond -1..1 counts as the end of it."""
        texts = ["".join(map(self._letter, row)) for row in self.rounded(chunks).tolist()]
        return [one.ids for one in self._tokenizer.encode_batch(texts)]

    def decode(self, codes: Iterable[int]) -> NDArray[np.float32]:
        """The chunk (H, K) of codes that spell as many symbols as one has."""
        symbols = np.array([symbol for code in codes for symbol in self.spelled[code]])
        steps = symbols.reshape(self.rows, self.dim) - self.symbols // 2
        chunk: NDArray[np.float32] = (_cosines(self.rows).T @ (steps / self.scale)).astype(np.float32)
        return chunk

    def rounded(self, chunks: NDArray[np.float32]) -> NDArray[np.int64]:
        """Symbols (B, H K) of chunks (B, H, K), slowest cosine first."""
        coefficients = _cosines(self.rows) @ np.clip(chunks.astype(np.float64), -1, 1)
        symbols: NDArray[np.int64] = np.rint(coefficients * self.scale).astype(np.int64) + self.symbols // 2
        return symbols.reshape(len(chunks), -1)

    def learned(self, chunks: NDArray[np.float32], codes: int) -> ChunkCode:
        """The code with merges of what often stands together in chunks (n, H, K), of at most so many codes."""
        tokenizer = library("tokenizers")
        letters = [self._letter(symbol) for symbol in range(self.symbols)]
        trainer = tokenizer.trainers.BpeTrainer(
            vocab_size=codes, min_frequency=2, initial_alphabet=letters, show_progress=False
        )
        learner = tokenizer.Tokenizer(tokenizer.models.BPE())
        learner.train_from_iterator(
            ("".join(map(self._letter, row)) for row in self.rounded(chunks).tolist()), trainer
        )
        pairs = parse_json(learner.to_str())["model"]["merges"]
        return ChunkCode(self.rows, self.dim, self.scale, self._numbered(pairs))

    def _numbered(self, pairs: Sequence[Sequence[str]]) -> Merges:
        numbers = {self._letter(symbol): symbol for symbol in range(self.symbols)}
        merges: list[tuple[int, int]] = []
        for first, second in pairs:
            if first + second not in numbers:  # two ways to one text are one code, the first
                numbers[first + second] = self.symbols + len(merges)
                merges.append((numbers[first], numbers[second]))
        return tuple(merges)

    @cached_property
    def _tokenizer(self) -> Any:
        tokenizer = library("tokenizers")
        texts = ["".join(map(self._letter, one)) for one in self.spelled]
        pairs = [(texts[first], texts[second]) for first, second in self.merges]
        vocabulary = {text: code for code, text in enumerate(texts)}
        return tokenizer.Tokenizer(tokenizer.models.BPE(vocab=vocabulary, merges=pairs))

    @staticmethod
    def _letter(symbol: int) -> str:
        return chr(_FIRST + symbol)


def _cosines(rows: int) -> NDArray[np.float64]:
    """The orthonormal DCT-II as a matrix (H, H), the slowest cosine first."""
    from scipy.fft import dct

    found: NDArray[np.float64] = dct(np.eye(rows), axis=0, norm="ortho")
    return found
