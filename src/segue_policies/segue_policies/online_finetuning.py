"""Learning from a policy's own episodes: which methods can, and what they are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.method import Method, methods
from segue_policies.policy_loading import method_in
from segue_policies.samples.rollouts import Rollout


def online_method(folder: Path) -> Method:
    """The method of a checkpoint that learns from episodes; raises ConfigError for one that does not."""
    method = method_in(folder)
    if not method.online:
        able = tuple(other.name for other in methods() if other.online)
        text = f"{folder}: method {method.name!r} learns nothing from its own episodes"
        do = "give a checkpoint of one of these, or progress:=ESTIMATOR"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, allowed=able, do=do)
    return method


def learn_online(
    folder: Path, rollouts: Sequence[Rollout], settings: Mapping[str, Any], out: Path
) -> dict[str, float]:
    """Write to `out` the checkpoint of `folder`, finetuned; returns scores by name.

    Raises:
        ConfigError: a method that does not learn so, an unknown setting, or too few episodes that succeeded.
    """
    learn = online_method(folder).resolve("online")
    scores: dict[str, float] = learn(folder, rollouts, settings, out)
    return scores
