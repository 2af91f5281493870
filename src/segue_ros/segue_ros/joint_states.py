"""sensor_msgs/JointState of a robot, from one publisher or several, to arrays in the robot's own order."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ErrorCode, PerceptionError
from segue_core.joint_state_merge import JointMerge, MergedJoints, max_age_ns
from segue_ros import qos, ticks

_FARTHEST_RAD = 1e3  # no joint has turned so far
_FINDING_NS = 1_000_000_000  # publishers are found one after the other
_BEFORE_WATCHDOG = 0.8  # of the time until joint states are stale: who fell silent is named, not only missed


@dataclass(frozen=True)
class JointSample:
    """Measured: `q` (n,) arm joints [rad], `grippers` (A,) openings, 0 closed to 1 open; `v` (n,) speeds [rad/s]."""

    q: NDArray[np.float64]
    grippers: NDArray[np.float64]
    stamp_ns: int  # of the newest joint
    v: NDArray[np.float64] | None = None  # what sent the message does not measure speeds


def listen(node: Node, take: Callable[[bytes], None]) -> None:
    """Has `take` called with every joint state as it came, serialised."""
    node.create_subscription(JointState, "joint_states", take, qos.JOINTS, raw=True)


class JointStateReader:
    """Reads the arm joints and gripper openings of one robot, by name; other joints do not matter.

    `now_ns` is the clock of stamps for publishers of some of the joints that give none.
    """

    def __init__(self, robot: RobotConfig, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._now_ns = now_ns
        self._arms = len(robot.joint_names)
        self._merge = JointMerge((*robot.joint_names, *robot.gripper_names), max_age_ns(robot.tick_rate_hz))
        self._lost_ns = round(_BEFORE_WATCHDOG * 1e9 * robot.safety.state_timeout_s)
        self._whole = False  # there was a sample
        self._since_ns: int | None = None  # stamp of the last sample; before there was one, of its first part

    def concerns(self, message: JointState) -> bool:
        """Whether the message speaks about this robot at all."""
        return self._merge.layout(message.name)[0].size > 0

    def read(self, message: JointState) -> JointSample | None:
        """The sample that is known with a message; None when other publishers have not told their joints lately.

        Raises:
            PerceptionError: STATE_MISSING when they have not for too long, naming the joints; STATE_CORRUPT for a value
                that is not finite, or that no joint can have.
        """
        positions, speeds = np.array(message.position), np.array(message.velocity)
        if len(positions) != len(message.name):
            got = f"{len(positions)} positions for {len(message.name)} names"
            raise PerceptionError(ErrorCode.STATE_CORRUPT, "joint states", got=got)
        self._refuse_impossible(message, positions)
        stamp_ns = self._stamp_ns(message)
        measured = speeds if len(speeds) == len(positions) else None
        merged = self._merge.add(message.name, positions, stamp_ns, measured)
        if merged is None:
            self._refuse_silence(stamp_ns)
            return None
        self._whole, self._since_ns = True, merged.stamp_ns
        return self._sample(merged)

    def why_none(self) -> str:
        """Why there is no sample, when parts of one came; else empty."""
        return f"joint states: {why}" if self._merge.heard and (why := self._merge.why_none()) else ""

    def _stamp_ns(self, message: JointState) -> int:
        """Without a stamp, when it came: a part whose publisher is gone would else never be too old."""
        part = self._merge.layout(message.name)[0].size < len(self._merge.names)
        return ticks.nanoseconds(message.header.stamp) or (self._now_ns() if part else 0)

    def _sample(self, merged: MergedJoints) -> JointSample:
        q, v = merged.positions[: self._arms], merged.speeds[: self._arms]
        measured = None if np.isnan(v).all() else v
        return JointSample(q, merged.positions[self._arms :], merged.stamp_ns, measured)

    def _refuse_impossible(self, message: JointState, positions: NDArray[np.float64]) -> None:
        entries, _ = self._merge.layout(message.name)
        bad = entries[~(np.abs(positions[entries]) <= _FARTHEST_RAD)]
        if bad.size:
            got = f"{positions[bad[0]]} for {message.name[bad[0]]}"
            expected = f"finite positions within {_FARTHEST_RAD:g}"
            raise PerceptionError(ErrorCode.STATE_CORRUPT, "joint states", got=got, expected=expected)

    def _refuse_silence(self, stamp_ns: int) -> None:
        if self._since_ns is None or stamp_ns < self._since_ns:  # the first, or the world was reset
            self._since_ns = stamp_ns
        if stamp_ns - self._since_ns > (self._lost_ns if self._whole else _FINDING_NS):
            raise PerceptionError(ErrorCode.STATE_MISSING, self.why_none())
