"""Camera drivers: one module each, found by name; another package adds one as an entry point of `segue.cameras`.

A module has `create(name, options, now_ns) -> Camera`: `options` as the YAML has them, `now_ns` the clock of stamps.
"""

from collections.abc import Callable, Mapping
from typing import Any

from segue_core.registry import available, find
from segue_perception.camera import Camera

__all__ = ["Camera", "create", "names"]

_GROUP = "segue.cameras"


def names() -> tuple[str, ...]:
    """Every driver there is."""
    return available(__name__, _GROUP)


def create(driver: str, name: str, options: Mapping[str, Any], now_ns: Callable[[], int]) -> Camera:
    """Opens the camera `name`.

    Raises:
        ConfigError: no such driver, options that it does not understand, or a library that is not installed.
        PerceptionError: FRAME_MISSING, the camera is not there; the text says what to do.
    """
    made: Camera = find(__name__, _GROUP, "camera driver", driver)(name, options, now_ns)
    return made
