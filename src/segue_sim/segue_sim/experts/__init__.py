"""Scripted experts: one module per task, each with a `create(episode, seed)`; see `base.Expert`."""

from __future__ import annotations

from segue_sim.episode import Episode
from segue_sim.expert_names import available, check, find, takes_over
from segue_sim.experts.base import Expert

__all__ = ["Expert", "available", "check", "create", "takes_over"]


def create(episode: Episode, seed: int) -> Expert:
    """The expert of the episode's task, from now on.

    Raises:
        ConfigError: unknown expert; the valid ones are listed.
    """
    expert: Expert = find(episode.task.expert)(episode, seed)
    return expert
