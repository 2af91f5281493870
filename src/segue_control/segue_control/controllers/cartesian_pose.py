"""Tool poses to joint positions by inverse kinematics.

action -> check -> stream -> min |W (J dq - e)|^2 + damping |dq|^2 + posture -> q        see kinematics.py
"""

from segue_control.controllers.base import Law, PathLaw, Setting
from segue_control.targets.sources import PoseSource


def create(setting: Setting) -> Law:
    """The law for one robot."""
    return PathLaw(PoseSource(setting))
