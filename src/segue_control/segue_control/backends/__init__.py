"""Hardware back ends: one module each, found by name; another package adds one as an entry point of `segue.backends`.

A module has `create(node, robot, hardware, now_s) -> Backend`, with the steady clock as a function. What all of them
share is in `segue_control.hardware` (pure) and `segue_control.device_topics` (ROS messages).
"""

from collections.abc import Callable

from rclpy.node import Node

from segue_control.backends.base import Backend, MeasuredRobot
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.registry import available, find

__all__ = ["Backend", "MeasuredRobot", "create", "names"]

_GROUP = "segue.backends"


def names() -> tuple[str, ...]:
    """Every back end there is."""
    return available(__name__, _GROUP)


def create(node: Node, robot: RobotConfig, hardware: HardwareConfig, now_s: Callable[[], float]) -> Backend:
    """The back end that the settings name.

    Raises:
        ConfigError: no such back end, or settings that it does not understand.
    """
    made: Backend = find(__name__, _GROUP, "back end", hardware.backend)(node, robot, hardware, now_s)
    return made
