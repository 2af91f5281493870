"""Keeps the tools of joint targets inside the workspace box."""

from collections import Counter

import numpy as np

from segue_control.robot.kinematics import Kinematics
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig

_HALVINGS = 12  # of the way between two targets: 1/4096 of it
_SLACK_M = 1e-9


class ToolBox:
    """How far towards a joint target the tools stay in their box; a tool that is outside may only come nearer."""

    def __init__(self, robot: RobotConfig, kinematics: Kinematics, counts: Counter[str]) -> None:
        self._kinematics, self._counts = kinematics, counts
        self._low, self._high = np.array(robot.workspace.low), np.array(robot.workspace.high)
        self._names = tuple(arm.name for arm in robot.arms)

    def limit(self, last: Floats, wanted: Floats) -> Floats:
        """The last point (n,) of the straight line from `last` to `wanted`, (n,) [rad], that is allowed."""
        before, after = self._outside(last), self._outside(wanted)
        worse = after > before + _SLACK_M
        if not worse.any():
            return wanted
        self._counts.update(f"workspace:{self._names[arm]}" for arm in np.flatnonzero(worse))
        good, bad = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = 0.5 * (good + bad)
            inside = (self._outside(last + middle * (wanted - last)) <= before + _SLACK_M).all()
            good, bad = (middle, bad) if inside else (good, middle)
        return np.asarray(last + good * (wanted - last))

    def _outside(self, q: Floats) -> Floats:
        """How far each tool (A,) is out of the box [m]; 0 inside."""
        positions = self._kinematics.poses(q).positions
        beyond = np.maximum(np.maximum(self._low - positions, positions - self._high), 0.0)
        return np.asarray(np.linalg.norm(beyond, axis=1))
