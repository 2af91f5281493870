"""How fast a path of straight lines in joint space is followed: jerk-limited, time-optimal on every line (Ruckig).

Each line is one degree of freedom, the share `s` of it that is done, so the joints stay on the line exactly:

    q(s) = a + s (b - a)      |s'| <= min(v_max / |b - a|), and the same for s'' and s'''

The arms rest at every corner. Speed through a corner would need a rounded path and with it another collision check.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from ruckig import InputParameter, Result, Ruckig, Trajectory

from segue_control.planning.trajectory import JointTrajectory
from segue_control.robot.limits import JointLimits
from segue_core.arrays import Floats
from segue_core.errors import ControlError, ErrorCode

_SAME_RAD = 1e-9


@dataclass(frozen=True)
class _Line:
    start: Floats
    change: Floats
    profile: Trajectory

    def states(self, period_s: float) -> tuple[Floats, Floats]:
        """Times (k,) without the first, and position, velocity, acceleration (k, 3, n) at them."""
        duration = float(self.profile.duration)
        count = max(1, int(np.ceil(duration / period_s - 1e-9)))
        times = np.append(np.arange(1, count) * period_s, duration)
        shares = np.array([np.ravel(self.profile.at_time(float(time))) for time in times])  # (k, 3)
        shares[-1] = 1.0, 0.0, 0.0
        states = shares[:, :, None] * self.change
        states[:, 0] += self.start
        return times, states


def _line(start: Floats, end: Floats, limits: JointLimits) -> _Line:
    change = end - start
    moved = np.abs(change) > _SAME_RAD

    def slowest(bound: Floats) -> list[float]:
        return [float((bound[moved] / np.abs(change[moved])).min())]

    request = InputParameter(1)
    request.current_position, request.target_position = [0.0], [1.0]
    request.max_velocity = slowest(limits.velocity)
    request.max_acceleration = slowest(limits.acceleration)
    request.max_jerk = slowest(limits.jerk)
    profile = Trajectory(1)
    result = Ruckig(1).calculate(request, profile)
    if result not in (Result.Working, Result.Finished):
        raise ControlError(ErrorCode.CONTROL_LIMIT, "no motion profile inside the limits", got=result)
    return _Line(start, change, profile)


def follow(
    corners: Floats, names: tuple[str, ...], limits: JointLimits, period_s: float, found_by: str
) -> JointTrajectory:
    """The fastest motion along `corners` (K, n) [rad] that rests at each, sampled every `period_s` seconds.

    Raises:
        ControlError: no profile inside the limits.
    """
    states = [np.stack([corners[0], np.zeros_like(corners[0]), np.zeros_like(corners[0])])[None]]
    times = [np.zeros(1)]
    for start, end in pairwise(corners):
        if np.abs(end - start).max() <= _SAME_RAD:
            continue
        line_times, line_states = _line(start, end, limits).states(period_s)
        times.append(times[-1][-1] + line_times)
        states.append(line_states)
    positions, velocities, accelerations = np.moveaxis(np.concatenate(states), 1, 0)
    return JointTrajectory(names, np.concatenate(times), positions, velocities, accelerations, found_by)
