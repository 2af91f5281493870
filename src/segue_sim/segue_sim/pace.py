"""When the simulated world takes its next step: at its own pace, and not before the robot's controller has answered.

    wall clock   |--------|--------|--------|--------|        steps are due at the real-time factor
    answers        a0       a1            a2  a3  a4          a step waits for the answer to the time before it
    steps        0        1        2      . 3   4    5        what was lost is caught up with, up to `debt_s`

Pure: the steady time is an argument.
"""

from dataclasses import dataclass, field

_EARLY = 0.1  # of a step: a timer that fires so little before its time is punctual


@dataclass
class Pace:
    """The pace of one simulated world.

    Args:
        step_s: simulated time of one step [s].
        factor: simulated seconds per second, at most.
        patience_s: how long a step waits for an answer; then time goes on without the controller [s].
        debt_s: how far behind the wall clock the world may be and still catch up; more is lost time [s]. Less than a
            step where nobody is waited for, since a burst of steps would then find nobody ready.
    """

    step_s: float
    factor: float
    patience_s: float
    debt_s: float
    standing: bool = False  # somebody paused the world
    gave_up: int = 0  # how often patience was over
    _due_s: float | None = field(default=None, repr=False)
    _answered_ns: int | None = field(default=None, repr=False)  # None while no controller answers
    _steps: int = field(default=0, repr=False)
    _measured_s: float | None = field(default=None, repr=False)
    _stood_s: float | None = field(default=None, repr=False)  # since when it stands

    def answer(self, time_ns: int) -> None:
        """The controller has done its work for this time of the simulated clock."""
        self._answered_ns = time_ns

    def may_step(self, time_ns: int, now_s: float) -> bool:
        """Whether the world, which is at `time_ns`, may take a step at `now_s` (steady)."""
        self._due_s = now_s if self._due_s is None else self._due_s
        if self.standing or now_s < self._due_s - _EARLY * self.step_s / self.factor:
            return False
        if self._answered_ns is None or self._answered_ns >= time_ns:
            return True
        if now_s - self._due_s < self.patience_s:
            return False
        self.gave_up += 1
        self._answered_ns = None
        return True

    def until_due(self, now_s: float) -> float:
        """How long the next step is not due yet [s]."""
        return 0.0 if self._due_s is None else max(0.0, self._due_s - now_s)

    def stepped(self, now_s: float) -> None:
        """The world has taken a step."""
        due_s = self._due_s if self._due_s is not None else now_s
        period_s = self.step_s / self.factor
        self._due_s = max(due_s + period_s, now_s + period_s - self.debt_s)
        self._steps += 1

    def stand(self, standing: bool, now_s: float) -> None:
        """Pause the world, or let it go on from where it is; a pause makes nobody slow."""
        self._leave_out_pause(now_s)
        self.standing, self._due_s = standing, now_s
        self._stood_s = now_s if standing else None

    def speed(self, now_s: float) -> float:
        """Simulated seconds per second, without pauses, since the last call of this method; `factor` at the first."""
        self._leave_out_pause(now_s)
        before, steps = self._measured_s, self._steps
        self._measured_s, self._steps = now_s, 0
        return self.factor if before is None or now_s <= before else steps * self.step_s / (now_s - before)

    def _leave_out_pause(self, now_s: float) -> None:
        if self._stood_s is not None and self._measured_s is not None:
            self._measured_s += now_s - max(self._stood_s, self._measured_s)
            self._stood_s = now_s
