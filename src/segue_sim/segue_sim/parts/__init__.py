"""Fixtures of a task by kind: one module each, with a `create(name, config)`; see `base.Part`."""

from segue_core import registry
from segue_core.contracts.task import FixtureConfig
from segue_sim.parts.base import Part

GROUP = "segue_sim.parts"  # entry points of other packages

__all__ = ["Part", "available", "create"]


def available() -> tuple[str, ...]:
    """All kinds of fixtures, sorted."""
    return registry.available(__name__, GROUP)


def create(name: str, config: FixtureConfig) -> Part:
    """The fixture `name` of a task.

    Raises:
        ConfigError: unknown kind (the valid ones are listed) or options that the kind does not have.
    """
    part: Part = registry.find(__name__, GROUP, "kind of fixture", config.kind)(name, config)
    return part
