"""Pairs of maps N ticks apart, by frame: what a batch has beside its own observation.

frame     t        ...      t + N                 an episode that ends before: its last frame that has a map
map       now               later

Maps are cached of every so-manieth frame, so N is a multiple of that. They are plain: what differs between the two is
what happened, and no change of light or place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.samples.batches import Column
from segue_policies.samples.demonstrations import Demonstrations
from segue_policies.vision.feature_cache import FeatureCache
from segue_policies.vision.sight import Sight

NOW, LATER = "now", "later"


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """The maps of other frames: `frame` (F,) says which."""

    features: FeatureCache
    frame: NDArray[np.int64]

    def __getitem__(self, frames: NDArray[np.int64]) -> NDArray[Any]:
        """Of `frames` (n,): (n, cameras, C, h, w)."""
        return self.features[self.frame[frames]]


def cached(sight: Sight, method: str) -> FeatureCache:
    """The maps that a world model predicts; raises ConfigError where there are none."""
    if sight.features is None:
        text, do = f"{method} predicts the maps of a frozen trunk", "give encoder.trunk=efficientnet_lite0"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got="encoder.trunk none", do=do)
    return sight.features


def frames_after(data: Demonstrations, after: int, every: int) -> NDArray[np.int64]:
    """The frame (F,) that each frame's transition ends at.

    Raises:
        ConfigError: `after` is no multiple of `every`.
    """
    if after % every:
        expected, do = f"a multiple of encoder.every, {every}", "change one of them"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, "world.after", got=after, expected=expected, do=do)
    episode = np.asarray(data.episode)
    last = np.searchsorted(episode, episode, "right") - 1
    ends: NDArray[np.int64] = np.minimum(np.arange(len(episode)) + after, last // every * every)
    return np.maximum(ends, np.arange(len(episode)))


def transitions(data: Demonstrations, features: FeatureCache, after: int) -> Mapping[str, Column]:
    """Columns `now` and `later`, each (F, cameras, C, h, w)."""
    ends = frames_after(data, after, features.every)
    return {NOW: Elsewhere(features, np.arange(len(ends))), LATER: Elsewhere(features, ends)}
