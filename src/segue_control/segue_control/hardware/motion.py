"""What a back end is asked to do with the actuators."""

from dataclasses import dataclass

from segue_core.arrays import Floats


@dataclass(frozen=True, eq=False)
class Motion:
    """Targets that passed every check: `q` (n,) [rad], its speed `dq` (n,) [rad/s], `grippers` (A,) in [0, 1].

    With `by_speed` the controller closes its loop over speeds: `dq` is the command, and `q` only where it leads.
    """

    q: Floats
    dq: Floats
    grippers: Floats
    by_speed: bool = False
