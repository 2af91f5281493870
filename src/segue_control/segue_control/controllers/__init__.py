"""The kinds of controllers, one file each, found by the name that a robot contract gives in `controller: kind`."""

from segue_control.controllers.base import Law, Setting
from segue_core.registry import available, find

_GROUP = "segue.controllers"


def create(setting: Setting) -> Law:
    """The law that the robot's contract asks for.

    Raises:
        ConfigError: no such kind; the valid ones are listed.
    """
    law: Law = find(__name__, _GROUP, "controller", setting.robot.control.kind)(setting)
    return law


def kinds() -> tuple[str, ...]:
    """All kinds, sorted."""
    return available(__name__, _GROUP)
