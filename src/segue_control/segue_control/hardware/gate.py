"""The last look at a joint command before it leaves for real actuators. It changes nothing: it lets pass or refuses.

The safety guard made the command, but the wire between the two is open to everybody: a second publisher, a replayed
bag. What the guard of this robot cannot have sent is not executed.
"""

import numpy as np
from numpy.typing import NDArray

from segue_control.robot.limits import AWAY_RAD, OUTSIDE_RAD, JointLimits
from segue_core.arrays import Floats
from segue_core.errors import ControlError, ErrorCode
from segue_core.figures import told_apart

_POSITION_SLACK_RAD = OUTSIDE_RAD + 0.001  # from where the guard arms
_FIRST_STEP_RAD = AWAY_RAD + 0.01  # from where the guard goes on, and what the joints move meanwhile
_LATE_CYCLES = 4  # commands lost or late in a row that still count as one stream


class CommandGate:
    """The bounds of one robot whose commands come every `period_s` seconds."""

    def __init__(self, names: tuple[str, ...], limits: JointLimits, period_s: float) -> None:
        self._names = names
        self._low, self._high = limits.low - _POSITION_SLACK_RAD, limits.high + _POSITION_SLACK_RAD
        self._step = limits.velocity * period_s * 1.001 + 1e-6
        self._period_s = period_s
        self._last: Floats | None = None
        self._last_s = 0.0

    def clear(self) -> None:
        """The next command begins a stream, from the measured pose."""
        self._last = None

    def check(self, q: Floats, measured: Floats, now_s: float) -> Floats:
        """Speed (n,) [rad/s] that the command `q` (n,) asks for; `measured` (n,) is where the robot is.

        Raises:
            ControlError: outside the joint limits, or further away than the joints can go since the last command.
        """
        self._refuse(q < self._low, q, self._low, "below its limit")
        self._refuse(q > self._high, q, self._high, "above its limit")
        if self._last is None:
            away = np.abs(q - measured)
            self._refuse(away > _FIRST_STEP_RAD, away, _FIRST_STEP_RAD, "away from the measured pose")
            dq = np.zeros_like(q)
        else:
            cycles = np.clip(round((now_s - self._last_s) / self._period_s), 1, _LATE_CYCLES)
            step = np.abs(q - self._last)
            self._refuse(step > self._step * cycles, step, self._step * cycles, "step")
            dq = (q - self._last) / (cycles * self._period_s)
        self._last, self._last_s = q, now_s
        return np.asarray(dq, dtype=np.float64)

    def check_speed(self, dq: Floats) -> None:
        """Looks at commanded speeds (n,) [rad/s]; raises ControlError when a joint cannot be that fast."""
        allowed = self._step / self._period_s
        self._refuse(np.abs(dq) > allowed, np.abs(dq), allowed, "speed")

    def _refuse(self, bad: NDArray[np.bool_], got: Floats, allowed: Floats | float, what: str) -> None:
        if bad.any():
            worst = int(np.argmax(bad))
            bound = float(np.broadcast_to(allowed, got.shape)[worst])
            text = f"joint command refused: {self._names[worst]}: {what}"
            unit = "rad/s" if what == "speed" else "rad"
            figure, most = told_apart(got[worst], bound, 4)
            raise ControlError(
                ErrorCode.CONTROL_LIMIT, text, got=f"{figure} {unit}", expected=f"{most} {unit}"
            )
