"""From targets of ticks to a joint path: the first half of every controller.

    tool poses  -> check -> stream -> inverse kinematics -> joint path      PoseSource
    joints      -> check -> stream -----------------------> joint path      JointSource

Each target is checked before it may shape the path. Until the first target comes the path stays where it began: not
even the elbow moves.
"""

import numpy as np

from segue_control.controllers.base import Setting
from segue_control.robot.poses import ToolPoses
from segue_control.targets.joint_targets import JointTargetCheck
from segue_control.targets.streaming import STREAMS, TickInterpolator
from segue_control.targets.target_check import TargetCheck
from segue_control.targets.tool_box import ToolBox
from segue_core.action_space import ActionSpace
from segue_core.arrays import Floats

_OFF_RAD = 0.03  # a tool that stays this far from the orientation that is asked for, or
_OFF_M = 0.005  # this far from the position, is counted


class PoseStream:
    """Checked tool poses, streamed from ticks to updates."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._check = TargetCheck(setting.robot, setting.kinematics.codec, setting.counts)
        self._stream = STREAMS[setting.robot.control.streaming]
        self._interpolator: TickInterpolator | None = None
        self.moving = False

    def begin(self, q: Floats) -> None:
        """Begins at rest at the poses of measured joints (n,)."""
        poses = self._setting.kinematics.poses(q)
        self._check.reset(poses)
        self._interpolator, self.moving = TickInterpolator(poses, self._stream), False

    def admit(self, action: Floats, tick: int) -> None:
        """Takes the action (D,) of a tick; raises ControlError when it is refused."""
        self._begun.push(self._check.admit(action, tick))
        self.moving = True

    def skip(self, tick: int) -> None:
        """Notes that `tick` repeats the last target; ControlError when it is not newer than the last."""
        self._check.skip(tick)

    def advance(self) -> ToolPoses:
        """The poses one update further."""
        return self._begun.advance(self._setting.tick_share)

    @property
    def _begun(self) -> TickInterpolator:
        assert self._interpolator is not None, "begin comes first"
        return self._interpolator


class PoseSource:
    """Joint path by inverse kinematics, one step per update, no faster than the joints can go."""

    def __init__(self, setting: Setting) -> None:
        self._setting, self._limits = setting, setting.limits
        self._stream = PoseStream(setting)
        self._reach = setting.limits.velocity * setting.period_s
        self._path = setting.kinematics.home

    def begin(self, q: Floats) -> None:
        """See `controllers.base.PathSource`."""
        self._stream.begin(q)
        self._path = np.clip(q, self._limits.low, self._limits.high)

    def admit(self, action: Floats, tick: int) -> None:
        """See `controllers.base.PathSource`."""
        self._stream.admit(action, tick)

    def skip(self, tick: int) -> None:
        """See `controllers.base.PathSource`."""
        self._stream.skip(tick)

    def advance(self) -> Floats:
        """See `controllers.base.PathSource`."""
        if self._stream.moving:
            low = np.maximum(self._limits.low, self._path - self._reach)
            high = np.minimum(self._limits.high, self._path + self._reach)
            self._path = self._setting.kinematics.step(self._stream.advance(), self._path, low, high)
            self._count_unreached()
        return self._path

    def _count_unreached(self) -> None:
        kinematics, counts = self._setting.kinematics, self._setting.counts
        for index, arm in enumerate(self._setting.robot.arms):
            if kinematics.off_rad[index] > _OFF_RAD:
                counts[f"orientation:{arm.name}"] += 1
            if kinematics.off_m[index] > _OFF_M:
                counts[f"reach:{arm.name}"] += 1

    def rebase(self, q: Floats) -> None:
        """See `controllers.base.PathSource`."""
        self._path = q


class JointSource:
    """The streamed joint targets themselves; `space` is what their rows mean, `boxed` keeps tools in the workspace."""

    def __init__(self, setting: Setting, space: ActionSpace, boxed: bool) -> None:
        self._setting, self._limits = setting, setting.limits
        box = ToolBox(setting.robot, setting.kinematics, setting.counts) if boxed else None
        limit = box.limit if box else None
        self._check = JointTargetCheck(setting.robot, setting.limits, setting.counts, space, limit)
        self._stream_of = STREAMS[setting.robot.control.streaming]
        self._stream = self._stream_of(setting.kinematics.home)
        self.begin(setting.kinematics.home)

    def begin(self, q: Floats) -> None:
        """See `controllers.base.PathSource`."""
        self._check.reset(q)
        self._moving = False
        self.rebase(np.clip(q, self._limits.low, self._limits.high))

    def admit(self, action: Floats, tick: int) -> None:
        """See `controllers.base.PathSource`."""
        self._stream.push(self._check.admit(action, tick))
        self._moving = True

    def skip(self, tick: int) -> None:
        """See `controllers.base.PathSource`."""
        self._check.advance(tick)

    def advance(self) -> Floats:
        """See `controllers.base.PathSource`."""
        if self._moving:
            self._path = self._stream.advance(self._setting.tick_share)
        return self._path

    def rebase(self, q: Floats) -> None:
        """See `controllers.base.PathSource`."""
        self._path, self._stream = q, self._stream_of(q)
