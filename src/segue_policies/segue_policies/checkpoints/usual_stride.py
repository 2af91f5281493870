"""The stride of a checkpoint when none is asked for."""

from __future__ import annotations

from pathlib import Path

from segue_core.errors import PolicyError
from segue_policies.checkpoints.checkpoint import CONFIG, read_config


def fitting_stride(usual: int, delay: int, checkpoint: str) -> int:
    """`usual`, or the longest stride that leaves `delay` rows where the checkpoint's chunks are too short for it.

    A folder that cannot be read has no say here: whoever serves it refuses it and says why.
    """
    if not checkpoint or not (Path(checkpoint) / CONFIG).is_file():
        return usual
    try:
        longest = read_config(Path(checkpoint)).horizon - delay
    except PolicyError:
        return usual
    return min(usual, longest) if longest >= max(delay, 1) else usual
