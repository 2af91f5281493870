"""Actions as tokens of a language model, as OpenVLA (arXiv 2406.09246, section 3.2) writes them.

Each dimension is scaled to -1..1 between the 1st and the 99th percentile of its dataset and cut into bins; bin k,
counted from 1, is the k-th token from the end of the vocabulary, where the words are that are used least.

    value  -1 ............................. 1
    bin     1   2   3   ...            255  256        `bins` edges from -1 to 1; the last bin is the value 1 alone
    token  V-1 V-2 V-3  ...          V-255 V-256
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segue_core.errors import unknown_name

EMPTY_TOKEN = 29871
"""Llama's token of the empty word, which stands between a prompt and an action."""


def prompt(instruction: str) -> str:
    """What OpenVLA is asked; its tokens are followed by `EMPTY_TOKEN`."""
    return f"In: What action should the robot take to {instruction.lower()}?\nOut:"


@dataclass(frozen=True)
class ActionTokens:
    """The code between actions and tokens.

    Args:
        vocabulary: V, words of the language model without those that fill its embedding up.
        bins: edges per dimension.
        statistics: by dataset, as OpenVLA's config.json has them (`norm_stats`).
    """

    vocabulary: int
    bins: int
    statistics: Mapping[str, Mapping[str, Any]]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> ActionTokens:
        """Of a `config.json`; KeyError when it lacks something."""
        filled = int(config.get("pad_to_multiple_of", 64))
        vocabulary = int(config["text_config"]["vocab_size"]) - filled
        return cls(vocabulary, int(config.get("n_action_bins", 256)), config.get("norm_stats") or {})

    def decode(self, tokens: ArrayLike, dataset: str) -> NDArray[np.float64]:
        """Actions (..., D) of tokens (..., D), in the units of `dataset`.

        A token that is none of an action's counts as the nearest bin. ConfigError for a dataset without statistics.
        """
        edges = np.linspace(-1, 1, self.bins)
        centres = (edges[:-1] + edges[1:]) / 2
        scaled = centres[np.clip(self.vocabulary - np.asarray(tokens) - 1, 0, len(centres) - 1)]
        low, high, mask = self._limits(dataset)
        actions: NDArray[np.float64] = np.where(mask, (scaled + 1) / 2 * (high - low) + low, scaled)
        return actions

    def encode(self, actions: ArrayLike, dataset: str) -> NDArray[np.int64]:
        """Tokens (..., D) of actions (..., D) in the units of `dataset`; beyond the percentiles they are cut off."""
        low, high, mask = self._limits(dataset)
        given = np.asarray(actions, np.float64)
        span = np.where(high > low, high - low, 1.0)
        scaled = np.where(mask, 2 * (given - low) / span - 1, given).clip(-1, 1)
        tokens: NDArray[np.int64] = self.vocabulary - np.digitize(scaled, np.linspace(-1, 1, self.bins))
        return tokens

    def _limits(self, dataset: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        if dataset not in self.statistics:
            raise unknown_name("dataset", dataset, self.statistics)
        action = self.statistics[dataset]["action"]
        low, high = (np.asarray(action[name], np.float64) for name in ("q01", "q99"))
        return low, high, np.asarray(action.get("mask", np.ones(low.shape)), bool)
