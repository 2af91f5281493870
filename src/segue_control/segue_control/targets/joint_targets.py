"""Joint targets of a planned move: what they mean and what is allowed.

A planned move reaches the controller as any command does, one per tick, owned by one run and watched for staleness;
only its numbers are joint positions (`joint_space`) in place of tool poses, because a path that was checked for
collisions is checked for the elbow too.
"""

from collections import Counter
from collections.abc import Callable
from math import pi

import numpy as np

from segue_control.robot.limits import JointLimits
from segue_core.action_space import ActionSpace, Channel, ChannelKind
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ControlError, ErrorCode

_MAX_GAP_TICKS = 3  # after lost commands a target may be this many steps away, not more
_SLACK = 1.001  # a target that is as fast as the limit is not too fast


def joint_space(robot: RobotConfig) -> ActionSpace:
    """Joint positions [rad] and gripper opening of every arm, `<arm>_joints` and `<arm>_gripper`, one row per tick."""
    channels: list[Channel] = []
    for arm in robot.arms:
        bound = (4 * pi,) * len(arm.joints)
        low = tuple(-value for value in bound)
        channels.append(Channel(f"{arm.name}_joints", ChannelKind.JOINT, len(arm.joints), "rad", low, bound))
        channels.append(Channel(f"{arm.name}_gripper", ChannelKind.GRIPPER, 1, "1", (0.0,), (1.0,)))
    return ActionSpace(f"{robot.name}_planned_joints", robot.tick_rate_hz, tuple(channels))


class JointCodec:
    """Splits rows of `joint_space`, or of a robot's own space of joints, into joints (n,) and openings (A,)."""

    def __init__(self, robot: RobotConfig, space: ActionSpace | None = None) -> None:
        self.space = joint_space(robot) if space is None else space
        self._joints = np.concatenate(
            [np.arange(self.space.dim)[self.space.slice(f"{arm.name}_joints")] for arm in robot.arms]
        )
        self._grippers = np.array([self.space.slice(f"{arm.name}_gripper").start for arm in robot.arms])

    def joints(self, action: Floats) -> Floats:
        """Joint positions (n,) [rad], arm after arm."""
        return np.asarray(action[self._joints], dtype=np.float64)

    def grippers(self, action: Floats) -> Floats:
        """Openings (A,), 0 closed to 1 open."""
        return np.asarray(action[self._grippers], dtype=np.float64)

    def action(self, q: Floats, grippers: Floats) -> Floats:
        """The row (D,) for joints (n,) [rad] and openings (A,)."""
        row = np.zeros(self.space.dim)
        row[self._joints], row[self._grippers] = q, grippers
        return row


class JointTargetCheck:
    """The bounds on joint targets: finite, position limits, and no step that the joint's speed cannot follow.

    `box(last, wanted)` says how far from the last target towards the wanted one the tools may go, if anything does.
    """

    def __init__(
        self,
        robot: RobotConfig,
        limits: JointLimits,
        counts: Counter[str],
        space: ActionSpace | None = None,
        box: Callable[[Floats, Floats], Floats] | None = None,
    ) -> None:
        self._box = box
        self.codec = JointCodec(robot, space)
        self._limits, self._counts, self._names = limits, counts, robot.joint_names
        self._reach = _SLACK * limits.velocity / robot.tick_rate_hz

    def reset(self, q: Floats) -> None:
        """Begins a stream at the joint positions `q` (n,)."""
        self._last = np.clip(q, self._limits.low, self._limits.high)
        self._tick: int | None = None

    def admit(self, action: Floats, tick: int) -> Floats:
        """Joint positions (n,) of a row (D,) for `tick`, moved inside the bounds; what was moved is counted.

        Raises:
            ControlError: wrong width, not finite, or a tick that is not newer than the last.
        """
        space = self.codec.space
        if action.shape != (space.dim,):
            raise self._refusal(
                "width", ErrorCode.CONTROL_WRONG_SHAPE, "width", action.shape, f"({space.dim},)"
            )
        if not np.isfinite(action).all():
            worst = int(np.argmin(np.isfinite(action)))
            got = f"{action[worst]} for {space.names[worst]}"
            raise self._refusal("not_finite", ErrorCode.CONTROL_NOT_FINITE, "value", got, "finite values")
        gap = self.advance(tick)
        wanted = self._bounded(self.codec.joints(action), gap)
        self._last = wanted if self._box is None else self._box(self._last, wanted)
        return self._last

    def advance(self, tick: int) -> int:
        """Notes that `tick` was commanded; ticks since the last, at most 3. ControlError when it is not newer."""
        gap = 1 if self._tick is None else tick - self._tick
        if gap < 1:
            newest = f"later than {self._tick}"
            raise self._refusal("old_tick", ErrorCode.CONTROL_COMMAND_STALE, "tick", tick, newest)
        self._tick = tick
        return min(gap, _MAX_GAP_TICKS)

    def _bounded(self, wanted: Floats, gap: int) -> Floats:
        inside = np.clip(wanted, self._limits.low, self._limits.high)
        reached = np.clip(inside, self._last - gap * self._reach, self._last + gap * self._reach)
        for cause, before, after in (("position", wanted, inside), ("step", inside, reached)):
            self._counts.update(f"{cause}:{self._names[i]}" for i in np.flatnonzero(before != after))
        return np.asarray(reached)

    def _refusal(self, count: str, code: ErrorCode, what: str, got: object, expected: str) -> ControlError:
        self._counts[count] += 1
        return ControlError(code, f"{what} of a joint target refused", got=got, expected=expected)
