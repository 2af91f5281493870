"""How a new chunk continues the one being executed: one module each, found by its file name."""

from collections.abc import Mapping
from typing import Any

from segue_scheduler import registry
from segue_scheduler.continuation.base import Continuation

GROUP = "segue.continuation"


def available() -> tuple[str, ...]:
    """Names of all continuations."""
    return registry.available(__name__, GROUP)


def create(name: str, options: Mapping[str, Any]) -> Continuation:
    """Build a continuation; raises ConfigError on an unknown name or option."""
    made: Continuation = registry.find(__name__, GROUP, "continuation", name)(options)
    return made
