"""Who judges a task: one module per score scheme (Legato, Table A.1), each with a `create(world)`; see `base.Judge`."""

from __future__ import annotations

from segue_core import registry
from segue_sim.scores.base import Judge
from segue_sim.world import World

GROUP = "segue_sim.scores"  # entry points of other packages

__all__ = ["Judge", "available", "create"]


def available() -> tuple[str, ...]:
    """All score schemes, sorted."""
    return registry.available(__name__, GROUP)


def create(world: World) -> Judge:
    """The judge of the world's task, for an episode that begins now.

    Raises:
        ConfigError: unknown score (the valid ones are listed), or a goal that it does not have.
    """
    judge: Judge = registry.find(__name__, GROUP, "score", world.task.score)(world)
    return judge
