"""What a network is shown and asked for in training, normalised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Sample:
    """Observations and the chunks that answer them.

    Args:
        images: (B, cameras, 3, h, w), with a history (B, T, cameras, 3, h, w), or what `encoded` has made of them.
        state: (B, S), with a history (B, T, S).
        actions: (B, H, D).
        real: (B, H), false where a row repeats an episode's last action.
        columns: what else the learner asked for, by name, as it is in the data, (B, ...).
    """

    images: Tensor
    state: Tensor
    actions: Tensor
    real: Tensor
    columns: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """What a method says of its checkpoint.

    Args:
        network: settings that its network is built from again.
        num_steps: denoising steps N; 1 where there are none.
        max_delay, max_ramp: longest guided prefix and ramp of the training [ticks].
        more: other settings that its policy needs, which it checks itself.
        base: name and digest of pretrained weights that the training began with.
        kind: what it is, in one word.
        title, chunk, sampled: for the README: the method, how a chunk is made, and how those of the scores were.
    """

    network: Mapping[str, Any]
    title: str
    chunk: str
    sampled: str
    num_steps: int = 1
    max_delay: int = 0
    max_ramp: int = 0
    more: Mapping[str, Any] = field(default_factory=dict)
    base: Mapping[str, str] | None = None
    kind: str = "policy"
