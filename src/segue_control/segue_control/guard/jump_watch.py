"""Joints that are measured further from where they were than they can have gone: two publishers, or a lost encoder."""

from collections.abc import Sequence

import numpy as np

from segue_core.arrays import Floats
from segue_core.errors import ErrorCode, PerceptionError
from segue_core.figures import told_apart

_FASTER = 2.0  # than the limit a joint may be pushed
_NOISE_RAD = 0.05
_BETWEEN_S = 0.1  # at most, between samples whose stamps do not say it


class JumpWatch:
    """Looks at one robot's measured joints (n,), by the stamps of their samples.

    Attributes:
        jumped_ns: stamp of the last jump.
    """

    def __init__(self, names: Sequence[str], velocity: Floats) -> None:
        self._names, self._velocity = tuple(names), velocity
        self.clear()

    def clear(self) -> None:
        """Whatever comes next is no jump: the world was put back."""
        self._good: tuple[Floats, int] | None = None
        self.jumped_ns: int | None = None

    def refuse(self, q: Floats, stamp_ns: int) -> None:
        """Judges a sample by the last that was good; one without a newer stamp as if it came soon after.

        Raises:
            PerceptionError: STATE_CORRUPT for a joint that jumped, which it names.
        """
        before, since_ns = self._good or (q, stamp_ns)
        newer_s = 1e-9 * (stamp_ns - since_ns)
        passed_s = newer_s if newer_s > 0.0 else _BETWEEN_S
        went = np.abs(q - before)
        allowed = _FASTER * self._velocity * passed_s + _NOISE_RAD
        worst = int(np.argmax(went - allowed))
        if went[worst] > allowed[worst]:
            self.jumped_ns = max(stamp_ns, since_ns)
            text = (
                f"joint states: {self._names[worst]} jumped; see whether a second publisher tells its joints"
            )
            figure, most = told_apart(went[worst], allowed[worst], 2)
            got = f"{figure} rad in {1e3 * passed_s:.0f} ms"
            raise PerceptionError(ErrorCode.STATE_CORRUPT, text, got=got, expected=f"at most {most}")
        if (
            self._good is None or newer_s < 0.0 or went.any()
        ):  # else another part of the robot told its joints
            self._good = q, stamp_ns
