"""Which scripted experts there are; none is loaded before it is asked for."""

from __future__ import annotations

import sys
from typing import Any

from segue_core import registry
from segue_core.contracts.task import TaskConfig

GROUP = "segue_sim.experts"
"""Entry points of other packages; also the package of those that are built in."""


def available() -> tuple[str, ...]:
    """All experts, sorted."""
    return registry.available(GROUP, GROUP)


def find(name: str) -> Any:
    """The `create(episode, seed)` of an expert; ConfigError for an unknown one, with the valid ones."""
    return registry.find(GROUP, GROUP, "expert", name)


def check(task: TaskConfig) -> None:
    """Refuse a task whose expert does not exist, with a ConfigError that lists the valid ones."""
    find(task.expert)


def takes_over(task: TaskConfig) -> bool:
    """Whether the task's expert can go on from where somebody has brought the robot: its module says TAKES_OVER."""
    return bool(getattr(sys.modules[find(task.expert).__module__], "TAKES_OVER", False))
