"""Worlds that others wrote, by name: one folder per family here, and the entry points of other packages.

`segue_core.world` says what a family is.
"""

from __future__ import annotations

from functools import cache
from typing import cast

from segue_core.registry import available, find
from segue_core.world import GROUP, Family, World


def families() -> tuple[str, ...]:
    """Names of all families, sorted."""
    return available(__name__, GROUP)


@cache
def _family(name: str) -> Family:
    return cast(Family, find(__name__, GROUP, "family of worlds", name)())


def find_world(name: str) -> World:
    """The world called FAMILY/NAME.

    Raises:
        ConfigError: no such family or task, with the valid ones; or what it needs is not installed.
    """
    family, _, task = name.partition("/")
    return _family(family).world(task)


def world_names() -> tuple[str, ...]:
    """FAMILY/NAME of every task that is installed, sorted."""
    return tuple(sorted(f"{family}/{name}" for family in families() for name in _family(family).names()))
