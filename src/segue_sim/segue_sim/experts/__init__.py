"""Scripted experts: one module per task, each with a `create(world, seed)`; see `base.Expert`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from segue_core import registry
from segue_core.contracts.task import TaskConfig
from segue_sim.experts.base import Expert

if TYPE_CHECKING:
    from segue_sim.world import World

GROUP = "segue_sim.experts"  # entry points of other packages

__all__ = ["Expert", "available", "check", "create", "takes_over"]


def available() -> tuple[str, ...]:
    """All experts, sorted."""
    return registry.available(__name__, GROUP)


def check(task: TaskConfig) -> None:
    """Refuse a task whose expert does not exist, with a ConfigError that lists the valid ones."""
    registry.find(__name__, GROUP, "expert", task.expert)


def takes_over(task: TaskConfig) -> bool:
    """Whether the task's expert can go on from where somebody has brought the robot: its module says TAKES_OVER."""
    found = registry.find(__name__, GROUP, "expert", task.expert)
    return bool(getattr(sys.modules[found.__module__], "TAKES_OVER", False))


def create(world: World, seed: int) -> Expert:
    """The expert of the world's task, for the episode that begins now.

    Raises:
        ConfigError: unknown expert; the valid ones are listed.
    """
    expert: Expert = registry.find(__name__, GROUP, "expert", world.task.expert)(world, seed)
    return expert
