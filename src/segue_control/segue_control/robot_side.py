"""The robot's own end of the command wire: it holds by itself when commands stop coming. Pure; time is an argument."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue_core.errors import ControlError, ErrorCode

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class JointTargets:
    """Targets for the actuators: arm joints (n,) [rad] and gripper openings (arms,) in [0, 1]."""

    positions: Floats
    grippers: Floats


class RobotSide:
    """Keeps the newest command and judges its age by when it was received.

    Args:
        names: arm joints, then grippers, in the order of `JointTargets`.
        arms: how many of `names` are arm joints.
        timeout_s: age at which the robot holds where it is heading, until a newer command comes.
    """

    def __init__(self, names: tuple[str, ...], arms: int, timeout_s: float) -> None:
        self._names, self._arms, self._timeout_s = names, arms, timeout_s
        self._command: JointTargets | None = None
        self._received_s = 0.0
        self.timeouts = 0
        self.refused = 0
        self.holding = True

    def clear(self) -> None:
        """Forget the last command: a new episode starts with nobody in control."""
        self._command, self.holding = None, True

    def receive(self, names: tuple[str, ...], positions: Floats, now_s: float) -> None:
        """Take a command; its joints may come in any order.

        Raises:
            ControlError: a joint is missing, unknown or there twice, or a value is not finite. The command is counted
                and dropped, and the one before stands.
        """
        try:
            self._command = self._checked(names, positions)
        except ControlError:
            self.refused += 1
            raise
        self._received_s, self.holding = now_s, False

    def target(self, now_s: float) -> JointTargets | None:
        """Fresh targets, or None when the actuators must keep those that they have."""
        if self._command is None:
            return None
        if now_s - self._received_s > self._timeout_s:
            self._command, self.holding = None, True
            self.timeouts += 1
            return None
        return self._command

    def _checked(self, names: tuple[str, ...], positions: Floats) -> JointTargets:
        if len(positions) != len(names) or sorted(names) != sorted(self._names):
            expected = ", ".join(self._names)
            raise ControlError(
                ErrorCode.CONTROL_WRONG_SHAPE, "joint command", got=", ".join(names), expected=expected
            )
        if not np.isfinite(positions).all():
            raise ControlError(
                ErrorCode.CONTROL_NOT_FINITE, "joint command is not finite", got=positions.tolist()
            )
        by_name = dict(zip(names, positions, strict=True))
        ordered = np.array([by_name[name] for name in self._names], dtype=np.float64)
        return JointTargets(ordered[: self._arms], ordered[self._arms :])
