"""sensor_msgs/JointState of a robot to arrays in the robot's own order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState

from segue_core.errors import ErrorCode, PerceptionError
from segue_core.robot_config import RobotConfig


@dataclass(frozen=True)
class JointSample:
    """Measured: `q` (n,) arm joints [rad], `grippers` (A,) openings, 0 closed to 1 open; `v` (n,) speeds [rad/s]."""

    q: NDArray[np.float64]
    grippers: NDArray[np.float64]
    v: NDArray[np.float64] | None = None  # what sent the message does not measure speeds


class JointStateReader:
    """Reads the arm joints and gripper openings of one robot, by name; other joints do not matter."""

    def __init__(self, robot: RobotConfig) -> None:
        self._arms = len(robot.joint_names)
        self._wanted = (*robot.joint_names, *robot.gripper_names)
        self._names: list[str] = []
        self._indices: list[int] = []

    def concerns(self, message: JointState) -> bool:
        """Whether the message speaks about this robot at all."""
        return message.name == self._names or not set(self._wanted).isdisjoint(message.name)

    def read(self, message: JointState) -> JointSample:
        """The sample in a message.

        Raises:
            PerceptionError: STATE_MISSING for an absent joint, STATE_CORRUPT for a value that is not finite.
        """
        if message.name != self._names:
            self._learn(list(message.name))
        if len(message.position) != len(self._names):
            got = f"{len(message.position)} positions for {len(self._names)} names"
            raise PerceptionError(ErrorCode.STATE_CORRUPT, "joint states", got=got)
        values = np.array(message.position, dtype=np.float64)[self._indices]
        if not np.isfinite(values).all():
            worst = int(np.argmin(np.isfinite(values)))
            got = f"{values[worst]} for {self._wanted[worst]}"
            raise PerceptionError(
                ErrorCode.STATE_CORRUPT, "joint states", got=got, expected="finite positions"
            )
        return JointSample(values[: self._arms], values[self._arms :], self._speeds(message))

    def _speeds(self, message: JointState) -> NDArray[np.float64] | None:
        """Arm joint speeds (n,) as measured, finite or not; None when the message has none."""
        if len(message.velocity) != len(self._names):
            return None
        return np.array(message.velocity, dtype=np.float64)[self._indices[: self._arms]]

    def _learn(self, names: list[str]) -> None:
        missing = [name for name in self._wanted if name not in names]
        if missing:
            raise PerceptionError(
                ErrorCode.STATE_MISSING, "joint states", got=", ".join(names), expected=", ".join(missing)
            )
        self._names, self._indices = names, [names.index(name) for name in self._wanted]
