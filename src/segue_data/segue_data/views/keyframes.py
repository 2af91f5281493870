"""How far apart the keyframes of a dataset are: what a chain of actions to the next one has to hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from segue_data.datasets.episodes import open_dataset
from segue_data.datasets.label_files import label_of


def summary(dataset: Path, settings: Mapping[str, Any]) -> list[str]:
    """Sentences for people.

    Raises:
        DataError: no dataset, a corrupt one, or an episode without a keyframe. ConfigError: an unknown setting.
    """
    files, columns = open_dataset(dataset), label_of(dataset, "keyframes", settings)
    lengths = [episode.length for episode in files.episodes]
    parts = np.split(columns["keyframe"], np.cumsum(lengths)[:-1])
    counts = [int(part.sum()) for part in parts]
    chains = np.concatenate([np.diff(np.flatnonzero(part), prepend=-1) for part in parts])
    longest = int(chains.max())
    said = [
        f"{len(parts)} episodes, {sum(counts)} keyframes, {min(counts)} to {max(counts)} each",
        f"longest chain of each keyframe: {int(np.median(chains))} ticks in the median, at most {longest} "
        f"({longest / files.about.rate_hz:.1f} s): a horizon of {longest} holds them all",
    ]
    only_end = [str(number) for number, part in enumerate(parts) if part.sum() == 1 and part[-1]]
    if only_end:
        some = ", ".join(only_end[:5]) + (", ..." if len(only_end) > 5 else "")
        said.append(f"note: no keyframe but the end in {len(only_end)} of {len(parts)} episodes: {some}")
    return said
