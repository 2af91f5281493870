"""Keeps joint commands inside position, speed, acceleration and jerk limits, whatever is asked for.

The law that makes it so: a stop from the present state, inside all limits, is always known. A step towards
the desired position is taken only if a stop is known from where it leads; otherwise the known stop is
followed for one step more. A desired position that can be reached in one step is passed through unchanged.
"""

import numpy as np
from numpy.typing import NDArray

from segue_control.guard.braking import Braking, StopPlan
from segue_control.robot.limits import JointLimits
from segue_core.arrays import Floats

_BLENDS = np.array([1.0, 0.75, 0.5, 0.25, 0.0])[
    :, None
]  # tried in this order between the goal and easing off
_CAUSES = ("", "position", "velocity", "acceleration", "jerk", "braking")
_APPROACH = 0.5  # part of the acceleration limit used to come to rest on a position that was out of reach


class JointLimiter:
    """State of the command stream of n joints; commands leave through `follow` and `stop`, one per period."""

    def __init__(self, limits: JointLimits, period_s: float, start: Floats) -> None:
        self.limits = limits
        self._h = period_s
        self._braking = Braking(limits, period_s)
        self.reset(start)

    def reset(self, start: Floats) -> None:
        """Begins a new stream at rest at `start` (n,), moved into the position limits."""
        self.position = np.clip(start, self.limits.low, self.limits.high)
        self.velocity = np.zeros_like(self.position)
        self.acceleration = np.zeros_like(self.position)
        self._goal = self.position
        self._cause: NDArray[np.intp] | None = None
        self._step = np.zeros(len(self.position))
        self._accept(np.ones(len(self.position), dtype=bool))

    def restart(self, position: Floats, velocity: Floats) -> None:
        """Goes on from measured positions and speeds (n,) [rad, rad/s], both moved into their limits."""
        self.reset(position)
        self.velocity = np.clip(velocity, -self.limits.velocity, self.limits.velocity)
        self._accept(np.ones(len(self.position), dtype=bool))

    def anchor(self, position: Floats) -> None:
        """Corrects where the joints are, (n,) [rad], without touching how they move: for commands of velocity."""
        inside = np.clip(position, self.limits.low, self.limits.high)
        self._goal = self._goal + inside - self.position
        self.position = inside

    def rest_position(self) -> Floats:
        """Where the joints (n,) would come to rest if they were stopped now."""
        end = self._braking.rest(self.position, self.velocity, self.acceleration)
        return np.clip(end, self.limits.low, self.limits.high)

    @property
    def at_rest(self) -> bool:
        """Whether the last command moves no joint."""
        return not (self.velocity.any() or self.acceleration.any())

    def follow(self, desired: Floats) -> Floats:
        """The next command (n,), as near to `desired` (n,), finite, as the limits allow."""
        goal = np.clip(desired, self.limits.low, self.limits.high)
        goal_speed, self._goal = (goal - self._goal) / self._h, goal
        if self._pass_through(goal):
            self._cause = np.where(desired != goal, 1, 0)
            return self.position
        self._cause = self._explain(goal, desired)
        self._move(*self._limited(goal, goal_speed))
        return self.position

    def reasons(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Which bound changed the last command that `follow` gave, per joint: "velocity:left_joint3"."""
        if self._cause is None:
            return ()
        return tuple(f"{_CAUSES[self._cause[i]]}:{names[i]}" for i in np.flatnonzero(self._cause))

    def stop(self) -> Floats:
        """The next command (n,) of the known stop; at its end the joints rest."""
        self._goal = self.position
        self._move(self._next_of_plan(), np.zeros(len(self.position), dtype=bool))
        return self.position

    def _pass_through(self, goal: Floats) -> bool:
        velocity = (goal - self.position) / self._h
        acceleration = (velocity - self.velocity) / self._h
        reachable = np.abs(acceleration - self.acceleration) <= self._braking.jerk_step
        if not (reachable & self._braking.safe(goal, velocity, acceleration)).all():
            return False
        self.position, self.velocity, self.acceleration = goal, velocity, acceleration
        self._accept(reachable)
        return True

    def _explain(self, goal: Floats, desired: Floats) -> NDArray[np.intp]:
        """Index into `_CAUSES` of the first bound that the goal breaks, 0 where it breaks none."""
        velocity = (goal - self.position) / self._h
        acceleration = (velocity - self.velocity) / self._h
        jerky = np.abs(acceleration - self.acceleration) > self._braking.jerk_step
        broken = np.stack(
            [
                desired != goal,
                np.abs(velocity) > self.limits.velocity,
                np.abs(acceleration) > self.limits.acceleration,
                jerky,
                ~self._braking.safe(goal, velocity, acceleration),
            ]
        )
        return np.where(broken.any(axis=0), 1 + np.argmax(broken, axis=0), 0)

    def _limited(self, goal: Floats, goal_speed: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Accelerations (n,), and which of them leave a stop known; the others continue the known one."""
        step = self._braking.jerk_step
        low = np.maximum(self.acceleration - step, -self.limits.acceleration)
        high = np.minimum(self.acceleration + step, self.limits.acceleration)
        wanted = np.clip(self._approach(goal, goal_speed), low, high)
        easing = np.clip(0.0, low, high)
        trials = easing + _BLENDS * (wanted - easing)
        velocity = self.velocity + trials * self._h
        safe = self._braking.safe(self.position + velocity * self._h, velocity, trials)
        best = np.argmax(safe, axis=0)
        known = np.asarray(safe.any(axis=0))
        return np.where(known, np.take_along_axis(trials, best[None], axis=0)[0], self._next_of_plan()), known

    def _approach(self, goal: Floats, goal_speed: Floats) -> Floats:
        """Acceleration that brings the joints to the goal and to rest relative to it, one step included.

        Two square-root laws, one in the other: the speed from which a part of the acceleration still stops
        the joint in time, and the acceleration from which a part of the jerk still meets that speed.
        """
        limits, h = self.limits, self._h
        brake, ease = _APPROACH * limits.acceleration, _APPROACH * limits.jerk
        ahead = np.where(np.abs(goal_speed) <= limits.velocity, goal_speed, 0.0)
        error = goal - self.position - ahead * h
        closing = _square_root_law(np.abs(error), brake, 0.5 * h + 0.5 * brake / ease)
        speed = ahead + np.sign(error) * np.minimum(closing, np.abs(error) / h)
        change = np.clip(speed, -limits.velocity, limits.velocity) - self.velocity
        rising = _square_root_law(np.abs(change), ease, 0.5 * h)
        return np.asarray(np.sign(change) * np.minimum(rising, np.abs(change) / h))

    def _next_of_plan(self) -> Floats:
        return self._plan.acceleration(self._step + 1.0)

    def _move(self, acceleration: Floats, known: NDArray[np.bool_]) -> None:
        self.velocity = self.velocity + acceleration * self._h
        self.velocity[np.abs(self.velocity) < _REST_RAD_S] = 0.0
        self.acceleration = acceleration
        self.position = np.clip(self.position + self.velocity * self._h, self.limits.low, self.limits.high)
        self._step = self._step + 1.0
        self._accept(known)

    def _accept(self, known: NDArray[np.bool_]) -> None:
        """Replaces the stop plans of the joints whose new state is known to be safe."""
        fresh = self._braking.plan(self.velocity, self.acceleration)
        if known.all():
            self._plan, self._step = fresh, np.zeros(len(known))
            return
        kept = self._plan
        pick = [np.where(known, new, old) for new, old in zip(_fields(fresh), _fields(kept), strict=True)]
        self._plan = StopPlan(*pick)
        self._step = np.where(known, 0.0, self._step)


_REST_RAD_S = 1e-12  # speeds that only rounding left behind at the end of a stop


def _fields(plan: StopPlan) -> tuple[Floats, ...]:
    return plan.start, plan.ease_steps, plan.ramp_steps, plan.hold_steps, plan.peak


def _square_root_law(distance: Floats, brake: Floats, lag: Floats | float) -> Floats:
    """Rate from which `brake` per second stops within `distance`, when it acts `lag` seconds late."""
    late = lag * brake
    return np.asarray(np.sqrt(late * late + 2.0 * brake * distance) - late)
