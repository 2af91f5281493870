"""Joints that are told to move and are measured where they were, bit for bit: a driver that repeats itself.

A joint that moves, or is pushed, or only carries a load, never gives the same float64 twice for long; one whose value
stands while its command went further than any gear or friction lets it stick is either not measured or does not follow.
"""

from collections.abc import Sequence

import numpy as np

from segue_control.robot.limits import AWAY_RAD
from segue_core.arrays import Floats
from segue_core.errors import ControlError, ErrorCode


class FreezeWatch:
    """Looks at one robot's measured joints (n,) beside the speeds that they are told.

    Args:
        age_s: how long drivers may repeat a value because they measure less often than they tell.
        period_s: of the commands.
    """

    def __init__(self, names: Sequence[str], age_s: float, period_s: float) -> None:
        self._names, self._age_s, self._period_s = tuple(names), age_s, period_s
        self._still_s, self._told = np.zeros(len(self._names)), np.zeros(len(self._names))
        self._measured = np.full(len(self._names), np.nan)

    def clear(self) -> None:
        """Motion begins: what was told before does not matter."""
        self._still_s[:], self._told[:] = 0.0, 0.0

    def command(self, speed: Floats) -> None:
        """The joints are told to move at `speed` (n,) [rad/s] for one period."""
        self._still_s += self._period_s
        self._told += self._period_s * speed

    def refuse(self, q: Floats) -> None:
        """Judges a sample (n,) [rad] by those before.

        Raises:
            ControlError: CONTROL_STATE_STALE for a joint whose value stands although it was told to go away.
        """
        changed = q != self._measured
        self._still_s[changed], self._told[changed], self._measured = 0.0, 0.0, q.copy()
        away = np.where(self._still_s > self._age_s, np.abs(self._told), 0.0)
        worst = int(np.argmax(away))
        if away[worst] <= AWAY_RAD:
            return
        stood = f"exactly {q[worst]:.4f} rad for {self._still_s[worst]:.2f} s"
        text = f"joint states: {self._names[worst]} is frozen: {stood}"
        raise ControlError(
            ErrorCode.CONTROL_STATE_STALE,
            text,
            got=f"told to move by {away[worst]:.3f} rad meanwhile",
            expected="a value that moves with its command",
            do="see that the robot's driver measures and does not repeat itself, and that the joint's brake is open; "
            "then segue/recover and arm again",
        )
