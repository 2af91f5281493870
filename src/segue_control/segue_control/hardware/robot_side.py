"""The robot's own end of the command wire: it holds by itself when commands stop coming. Pure; time is an argument."""

from dataclasses import dataclass

import numpy as np

from segue_core.arrays import Floats
from segue_core.contracts.controller import Interface
from segue_core.errors import ControlError, ErrorCode


@dataclass(frozen=True, eq=False)
class JointTargets:
    """Targets for the actuators: arm joints (n,) [rad] and gripper openings (arms,) in [0, 1].

    A robot that is told velocities (n,) [rad/s] or torques `efforts` (n,) [N m] has them too.
    """

    positions: Floats
    grippers: Floats
    velocities: Floats | None = None
    efforts: Floats | None = None


class RobotSide:
    """Keeps the newest command and judges its age by when it was received.

    Args:
        names: arm joints, then grippers, in the order of `JointTargets`.
        arms: how many of `names` are arm joints.
        timeout_s: age at which the robot brakes by itself, until a newer command comes.
        interface: what the robot is told; a command without it is refused.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        arms: int,
        timeout_s: float,
        interface: Interface = Interface.POSITION,
    ) -> None:
        self._names, self._arms, self._timeout_s, self._interface = names, arms, timeout_s, interface
        self._command: JointTargets | None = None
        self._received_s = 0.0
        self._sender = b""
        self.timeouts = 0
        self.refused = 0
        self.holding = True

    def clear(self) -> None:
        """Forget the last command: a new episode starts with nobody in control."""
        self._command, self.holding = None, True

    def receive(
        self,
        names: tuple[str, ...],
        positions: Floats,
        now_s: float,
        velocities: Floats | None = None,
        efforts: Floats | None = None,
        sender: bytes = b"",
    ) -> None:
        """Take a command: `look` at it, and `take` it. Raises ControlError as `look`."""
        self.take(self.look(names, positions, velocities, efforts, sender), now_s, sender)

    def look(
        self,
        names: tuple[str, ...],
        positions: Floats,
        velocities: Floats | None = None,
        efforts: Floats | None = None,
        sender: bytes = b"",
    ) -> JointTargets:
        """What a command says; its joints may come in any order. Of velocities and efforts only the one told counts.

        Raises:
            ControlError: it is another publisher's than the one that is followed, a joint is missing, unknown or there
                twice, what this robot is told is missing, or a value is not finite. The command is counted and
                dropped, and the one before stands.
        """
        try:
            if not self.holding and sender != self._sender:
                raise ControlError(
                    ErrorCode.CONTROL_FOREIGN_COMMAND, "joint command of a second publisher: not followed"
                )
            return self._targets(names, positions, velocities, efforts)
        except ControlError:
            self.refused += 1
            raise

    def take(self, targets: JointTargets, now_s: float, sender: bytes = b"") -> None:
        """Follow these targets; until the next silence the robot is their sender's."""
        self._command, self._sender = targets, sender
        self._received_s, self.holding = now_s, False

    def target(self, now_s: float) -> JointTargets | None:
        """Fresh targets, or None when the robot must brake by itself and stay."""
        if self._command is None:
            return None
        if now_s - self._received_s > self._timeout_s:
            self._command, self.holding = None, True
            self.timeouts += 1
            return None
        return self._command

    def _targets(
        self, names: tuple[str, ...], positions: Floats, velocities: Floats | None, efforts: Floats | None
    ) -> JointTargets:
        ordered = self._ordered(names, positions, Interface.POSITION)
        arms, grippers = ordered[: self._arms], ordered[self._arms :]
        told = {Interface.VELOCITY: velocities, Interface.EFFORT: efforts}.get(self._interface)
        if self._interface is Interface.POSITION:
            return JointTargets(arms, grippers)
        values = self._ordered(names, np.zeros(0) if told is None else told, self._interface)[: self._arms]
        if self._interface is Interface.VELOCITY:
            return JointTargets(arms, grippers, velocities=values)
        return JointTargets(arms, grippers, efforts=values)

    def _ordered(self, names: tuple[str, ...], values: Floats, what: Interface) -> Floats:
        if len(values) != len(names) or sorted(names) != sorted(self._names):
            expected = f"one {what} for each of {', '.join(self._names)}"
            got = f"{len(values)} for {', '.join(names)}"
            raise ControlError(ErrorCode.CONTROL_WRONG_SHAPE, "joint command", got=got, expected=expected)
        if not np.isfinite(values).all():
            text = f"{what} of a joint command is not finite"
            raise ControlError(ErrorCode.CONTROL_NOT_FINITE, text, got=values.tolist())
        by_name = dict(zip(names, values, strict=True))
        return np.array([by_name[name] for name in self._names], dtype=np.float64)
