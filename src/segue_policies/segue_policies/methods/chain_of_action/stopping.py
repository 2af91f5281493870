"""When a chain has arrived: two readings of the dynamic stop. Points are (..., P), all positions of an action in a row.

reverse   begins at the keyframe, arrives at the tool
hybrid    begins at the tool, arrives at the keyframe

projection   begin o------------x--------o target      |target - begin| - |x - begin| < threshold, on target's side
distance                          x  (o)                |x - target| < threshold
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.errors import ConfigError, ErrorCode
from segue_policies.methods.chain_of_action.config import Stop


def points_of(space: ActionSpace) -> list[int]:
    """Indices of the numbers that say where a tool is: all positions, or else all joints.

    Raises:
        ConfigError: the space has neither.
    """
    for kind in (ChannelKind.POSITION, ChannelKind.JOINT):
        parts = [np.arange(space.dim)[space.slice(c.name)] for c in space.channels if c.kind is kind]
        if parts:
            return [int(index) for index in np.concatenate(parts)]
    text = f"action space {space.name}: a chain cannot stop without positions or joints"
    raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text)


def arrived(stop: Stop, threshold: float, begin: Tensor, target: Tensor, now: Tensor) -> Tensor:
    """Whether a chain from `begin` has come to `target`, where it is `now`, each `(..., P)`: `(...)` bool."""
    if stop == "distance":
        near: Tensor = (now - target).norm(dim=-1) < threshold
        return near
    whole, gone = target - begin, now - begin
    short = whole.norm(dim=-1) - gone.norm(dim=-1)
    there: Tensor = (short < threshold) & ((whole * gone).sum(dim=-1) >= 0)
    return there
