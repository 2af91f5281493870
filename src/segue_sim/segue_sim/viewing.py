"""The simulator's window, where there is a display to open it on."""

import os
from collections.abc import Mapping
from typing import Any

from segue_core.errors import ConfigError, ErrorCode
from segue_sim.priority import ordinary_priority
from segue_sim.world import World


def why_no_window(environment: Mapping[str, str]) -> str | None:
    """The reason why no window can be opened here, or None when it can."""
    if environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"):
        return None
    return "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set"


class Window:
    """MuJoCo's passive viewer on a world; `show` brings it up to date.

    Raises:
        ConfigError: no display, or the viewer does not start.
    """

    def __init__(self, world: World) -> None:
        reason = why_no_window(os.environ)
        if reason:
            raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, f"no window: {reason}")
        import mujoco.viewer

        try:
            with ordinary_priority():
                self._viewer: Any = mujoco.viewer.launch_passive(world.model, world.data)
        except Exception as error:
            raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, f"no window: {error}") from error

    def show(self) -> None:
        """Draw the present state; does nothing once the user has closed the window."""
        if self._viewer.is_running():
            self._viewer.sync()

    def close(self) -> None:
        """Close the window."""
        self._viewer.close()
