"""Joint positions as they come, streamed from ticks to updates; the tools stay in the workspace."""

from segue_control.controllers.base import Law, PathLaw, Setting
from segue_control.targets.sources import JointSource


def create(setting: Setting) -> Law:
    """The law for one robot."""
    return PathLaw(JointSource(setting, setting.robot.action_space, boxed=True))
