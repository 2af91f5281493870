"""Joint velocities along a joint path, such as the Jaco2's driver takes them.

    v = (q_ref[k+1] - q_ref[k]) / h + gain (q_ref[k] - q)

The path's own velocity moves the joints, the gain takes away what they are off; a robot that stands on its path is
told zero.
"""

import numpy as np

from segue_control.commands import MeasuredJoints
from segue_control.controllers.base import JointStream, Law, PathSource, Setting, Sourced
from segue_control.targets.sources import JointSource, PoseSource
from segue_core.arrays import Floats
from segue_core.contracts.controller import JointVelocity, Targets, targets_of


class JointVelocityLaw(Sourced):
    """Follows a joint path by velocity."""

    def __init__(self, source: PathSource, gain_per_s: float, period_s: float) -> None:
        super().__init__(source)
        self._gain, self._period = gain_per_s, period_s
        self._path: Floats | None = None

    def begin(self, q: Floats) -> None:
        """See `Law`."""
        super().begin(q)
        self._path = None

    def rebase(self, q: Floats) -> None:
        """See `Law`."""
        super().rebase(q)
        self._path = None

    def desired(self, stream: JointStream, measured: MeasuredJoints) -> Floats:
        """Where the velocity leads in one period; see `Law`."""
        path = self.source.advance()
        before = path if self._path is None else self._path
        self._path = path
        return np.asarray(
            stream.q + (path - before) + self._period * self._gain * (before - measured.q), dtype=np.float64
        )


def create(setting: Setting) -> Law:
    """The law for one robot, whose actions may be tool poses or joints."""
    space, gains = setting.robot.action_space, setting.robot.control
    assert isinstance(gains, JointVelocity)
    source: PathSource = (
        PoseSource(setting) if targets_of(space) is Targets.POSES else JointSource(setting, space, boxed=True)
    )
    return JointVelocityLaw(source, gains.position_gain_per_s, setting.period_s)
