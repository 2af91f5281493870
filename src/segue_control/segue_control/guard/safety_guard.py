"""The safety guard: the last check between commands and actuators, in every back end, always on.

    disarmed --arm--> armed --stop, stale, fault--> stopping --at rest--> latched --recover--> disarmed
        ^                |                              |
        '----at rest-----'-----------disarm-------------'

Nothing moves unless armed; arming starts from the measured pose. What is late while nothing moves disarms and is not
latched. What stood still itself resumes nothing: it falls silent, and the robot's own timeout has stopped it. Commands
pass `admit`, joint targets pass `limit`, torques pass `limit_effort`. The guard owns no clock: every call says what the
(steady) time is.
"""

from collections import Counter
from typing import Protocol

import numpy as np

from segue_control.commands import MeasuredJoints
from segue_control.guard.effort_limiter import EffortLimiter
from segue_control.guard.joint_limiter import JointLimiter
from segue_control.guard.watchdog import Watchdog
from segue_control.robot.limits import AWAY_RAD, OUTSIDE_RAD, JointLimits
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ControlError, ErrorCode
from segue_core.figures import beyond
from segue_core.text_enum import TextEnum


class GuardMode(TextEnum):
    """Whether commands may move the robot."""

    DISARMED = "disarmed"
    ARMED = "armed"
    STOPPING = "stopping"
    LATCHED = "latched"


class Targets(Protocol):
    """What checks and takes the targets of ticks; raises ControlError for what it refuses."""

    def admit(self, action: Floats, tick: int) -> None:
        """Takes the action (D,) of a tick."""
        ...

    def skip(self, tick: int) -> None:
        """Notes that `tick` repeats the last target."""
        ...


class SelfDistance(Protocol):
    """What knows how near the robot's parts are to each other."""

    def worse(self, now: Floats, at_rest: Floats, desired: Floats) -> str | None:
        """The pair that comes too near, with the joints (n,) [rad] now, stopped, and as desired; else None."""
        ...


class SafetyGuard:
    """Checks and bounds one robot's command stream. Not thread safe.

    Attributes:
        counts: how often each kind of intervention happened since arming, such as "workspace:left".
        fault: why motion is stopped, or None.
        held_back: whether the last `limit` did not follow what was desired at all.
        streaming: whether it was armed since the start, so that there is a position to hold.
    """

    def __init__(
        self,
        robot: RobotConfig,
        limits: JointLimits,
        effort: EffortLimiter | None = None,
        self_distance: SelfDistance | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.mode = GuardMode.DISARMED
        self.fault: ControlError | None = None
        self._names = robot.joint_names
        self._commands = Watchdog(robot.safety.command_timeout_s, 1.0 / robot.control_rate_hz)
        self._states = Watchdog(robot.safety.state_timeout_s, 1.0 / robot.control_rate_hz)
        self._limiter = JointLimiter(limits, 1.0 / robot.control_rate_hz, 0.5 * (limits.low + limits.high))
        self._effort, self._self_distance = effort, self_distance
        self.held_back = False
        self.streaming = False
        self._measured: Floats | None = None

    @property
    def limits(self) -> JointLimits:
        """The bounds of every joint."""
        return self._limiter.limits

    @property
    def position(self) -> Floats:
        """The last joint command (n,) that left the guard [rad]."""
        return self._limiter.position

    @property
    def speed(self) -> Floats:
        """How fast that command moves the joints (n,) [rad/s]."""
        return self._limiter.velocity

    def command_age_s(self, now_ns: int) -> float:
        """Age of the last admitted command [s]; -1 before the first since arming."""
        return self._commands.age_s(now_ns)

    def observe(self, q: Floats, now_ns: int, *, watched: bool = True) -> bool:
        """Takes measured joint positions (n,) [rad] received at `now_ns`; bad ones stop an armed robot.

        With `watched`, the next ones are expected before the state timeout. Returns whether they were good.
        """
        if q.shape != (len(self._names),) or not np.isfinite(q).all():
            self.bad_state(f"measured joint positions are incomplete or not finite: {q.tolist()}")
            return False
        self._measured = q
        self._states.feed(now_ns) if watched else self._states.clear()
        return True

    def bad_state(self, text: str) -> None:
        """Notes joint states that cannot be used; an armed robot stops."""
        self.counts["bad_state"] += 1
        if self.mode is GuardMode.ARMED:
            self.stop(ControlError(ErrorCode.CONTROL_STATE_STALE, text))

    def measured(self, now_ns: int) -> Floats:
        """The last observed joint positions (n,) [rad]; raises ControlError when there are no fresh ones."""
        if self._measured is None:
            raise ControlError(ErrorCode.CONTROL_STATE_STALE, "no joint states received yet")
        if self._states.stale(now_ns):
            age, most = f"{self._states.silent_for_s(now_ns):.3f} s", f"at most {self._states.timeout_s:g} s"
            text = "joint states are too old"
            raise ControlError(ErrorCode.CONTROL_STATE_STALE, text, got=age, expected=most)
        return self._measured

    def restart(self) -> None:
        """Forgets everything, faults included: for a simulated world that was put back to its start."""
        self.mode, self.fault = GuardMode.DISARMED, None
        self.streaming, self._measured = False, None
        self._commands.clear()
        self._states.clear()

    def arm(self, now_ns: int) -> Floats:
        """Allows motion, starting at rest from the measured joint positions (n,) [rad], which are returned.

        Raises:
            ControlError: latched, still stopping, no fresh state, or a joint outside its limits.
        """
        if self.mode is GuardMode.STOPPING:
            raise self.fault or ControlError(ErrorCode.CONTROL_NOT_ARMED, "the robot is still coming to rest")
        if self.mode is GuardMode.LATCHED and self.fault:
            text = f"stopped by a fault that is latched ({self.fault.text})"
            do = "look at the robot, call segue/recover, then arm again"
            raise ControlError(self.fault.code, text, do=do)
        measured = self.measured(now_ns)
        self._refuse_outside(measured)
        moved = np.abs(measured - self._limiter.position).max() > AWAY_RAD
        if not self.streaming or (moved and self.mode is not GuardMode.ARMED):  # in motion joints are behind
            self._limiter.reset(measured)
        if self._effort and not self.streaming:
            self._effort.reset()
        self.streaming = True
        self._commands.clear()
        self.counts.clear()
        self.mode, self.fault = GuardMode.ARMED, None
        return measured

    def disarm(self) -> None:
        """Takes the permission away: a controlled stop, nothing latched."""
        if self.mode is GuardMode.ARMED:
            self.mode = GuardMode.STOPPING
        elif self.mode is GuardMode.DISARMED:
            self.fault = None  # whoever disarms has seen why it was

    def stop(self, fault: ControlError) -> None:
        """Controlled stop, then latched until `recover`; the first fault is the one reported.

        A disarmed robot is latched as it is and commanded nothing: a hand may have moved it from where it was.
        """
        self._note(fault)
        if self.mode is GuardMode.DISARMED:
            self.streaming = False
        if self.mode is not GuardMode.LATCHED:
            self.mode = GuardMode.STOPPING if self.streaming else GuardMode.LATCHED

    def fall_silent(self, why: ControlError, *, latch: bool) -> None:
        """Commands nothing more until armed anew, because what was commanded is void; the robot's own timeout holds it.

        With `latch`, a robot that moved is latched, also one that was coming to rest: its way there was cut off.
        """
        cut_off = latch and not self._limiter.at_rest
        if self.mode is GuardMode.ARMED:
            self._note(why)
            self.mode = GuardMode.LATCHED if cut_off else GuardMode.DISARMED
        elif self.mode is GuardMode.STOPPING:
            if cut_off:
                self._note(why)
            self.mode = GuardMode.LATCHED if self.fault else GuardMode.DISARMED
        self.streaming = False

    def _late(self, fault: ControlError) -> None:
        if self._limiter.at_rest:
            self._note(fault)
            self.mode = GuardMode.DISARMED
        else:
            self.stop(fault)

    def _note(self, fault: ControlError) -> None:
        if self.fault is None or self.mode is GuardMode.DISARMED:
            self.fault = fault
            self.counts[f"stop:{fault.code.name.lower()}"] += 1

    def emergency_stop(self, reason: str) -> None:
        """Stops on a person's demand; replaces any other fault."""
        self.fault = None
        self.stop(ControlError(ErrorCode.CONTROL_EMERGENCY_STOP, reason or "emergency stop"))

    def recover(self) -> None:
        """Clears what is latched. The robot stays disarmed.

        Raises:
            ControlError: the joints are still coming to rest.
        """
        if self.mode is GuardMode.STOPPING:
            raise ControlError(ErrorCode.CONTROL_NOT_ARMED, "the robot is still coming to rest")
        if self.mode is GuardMode.LATCHED:
            self.mode, self.fault = GuardMode.DISARMED, None

    def admit(self, targets: Targets, action: Floats, tick: int, now_ns: int) -> None:
        """Has `targets` take the command (D,) for `tick`.

        Raises:
            ControlError: not armed, or the command is refused; a refused command does not feed the watchdog.
        """
        self._refuse_unarmed()
        targets.admit(action, tick)
        self._commands.feed(now_ns)

    def keep_alive(self, targets: Targets, tick: int, now_ns: int) -> None:
        """Takes a command for `tick` to stay at the last target; feeds the watchdog.

        Raises:
            ControlError: not armed, or a tick that is not newer than the last.
        """
        self._refuse_unarmed()
        targets.skip(tick)
        self._commands.feed(now_ns)

    def bear_silence(self, seconds: float) -> None:
        """How long [s] a stream may be silent on the steady clock while no cycle passes: where time waits."""
        self._commands.silence_s = self._states.silence_s = seconds

    def cycle(self) -> None:
        """A control cycle begins: all streams are one period older."""
        self._commands.cycle()
        self._states.cycle()

    def time_stands(self, now_ns: int) -> None:
        """The robot's clock stands at `now_ns` (steady): a paused simulation; nobody is accused of being silent."""
        self._commands.stand(now_ns)
        self._states.stand(now_ns)

    def watch(self, now_ns: int, *, joints_wait: bool | None = None) -> None:
        """Stops the robot when commands or joint states that once came have stopped; disarms one that rests.

        Where a simulated world waits, whoever follows its clock falls silent, too, and on a busy machine no age tells
        who was first: there `joints_wait` says whether joint states have come whose cycle waits for its command.
        """
        if self.mode is not GuardMode.ARMED:
            return
        streams = (
            (self._states, ErrorCode.CONTROL_STATE_STALE, "no fresh joint states"),
            (self._commands, ErrorCode.CONTROL_COMMAND_STALE, "no fresh command"),
        )
        heard = [stream for stream in streams if stream[0].fed_ns is not None]
        stale = [stream for stream in heard if stream[0].stale(now_ns)]
        if not stale:
            return
        if joints_wait and len(stale) > 1:
            heard = stale[1:]
        elif joints_wait is False and self._states_paused(now_ns):
            heard = heard[:1]
        dog, code, text = max(heard, key=lambda stream: stream[0].silent_for_s(now_ns) - stream[0].timeout_s)
        age, most = f"{dog.silent_for_s(now_ns):.3f} s", f"at most {dog.timeout_s:g} s"
        self._late(ControlError(code, text, got=age, expected=most))

    def _states_paused(self, now_ns: int) -> bool:
        """Whether no joint states have come for as long as they may be old, be it too soon to call them silent."""
        return self._states.fed_ns is not None and self._states.silent_for_s(now_ns) > self._states.timeout_s

    def limit(self, desired: Floats) -> tuple[Floats, tuple[str, ...]]:
        """The joint command (n,) for this update and what was changed, such as "velocity:left_joint3".

        `desired` (n,) is ignored unless armed; not finite, it stops the robot.
        """
        if self.mode is GuardMode.ARMED and not np.isfinite(desired).all():
            self.stop(ControlError(ErrorCode.CONTROL_NOT_FINITE, "controller output", got=desired.tolist()))
        self.held_back = False
        if self.mode is not GuardMode.ARMED:
            return self._rest(), ()
        command, reasons = self._follow(desired)
        self.counts.update(reasons)
        return command, reasons

    def anchor(self, q: Floats) -> None:
        """Puts the stream where the joints (n,) [rad] are, before `limit`: for robots that are told velocities."""
        self._limiter.anchor(q)

    def let_go(self, measured: MeasuredJoints) -> None:
        """Stops from what the joints do, not from what they were told: for robots that are told torques."""
        self._limiter.restart(measured.q, measured.v)

    def limit_effort(self, wanted: Floats) -> tuple[Floats, tuple[str, ...]]:
        """The torques (n,) [N m] for this update, and what was changed; not finite, the robot stops.

        Raises:
            ControlError: this robot is not told torques.
        """
        if self._effort is None:
            raise ControlError(ErrorCode.CONTROL_HARDWARE, "this robot is not told torques")
        if not np.isfinite(wanted).all():
            self.stop(ControlError(ErrorCode.CONTROL_NOT_FINITE, "controller torque", got=wanted.tolist()))
            return self._effort.follow(np.zeros_like(wanted)), ()
        command, reasons = self._effort.follow(wanted), self._effort.reasons(self._names)
        self.counts.update(reasons)
        return command, reasons

    def _follow(self, desired: Floats) -> tuple[Floats, tuple[str, ...]]:
        near = self._self_distance and self._self_distance.worse(
            self._limiter.position, self._limiter.rest_position(), desired
        )
        if near:
            self.held_back = True
            return self._limiter.stop(), (f"self_distance:{near}",)
        return self._limiter.follow(desired), self._limiter.reasons(self._names)

    def _rest(self) -> Floats:
        command = self._limiter.stop()
        if self.mode is GuardMode.STOPPING and self._limiter.at_rest:
            self.mode = GuardMode.LATCHED if self.fault else GuardMode.DISARMED
        return command

    def _refuse_unarmed(self) -> None:
        if self.mode is not GuardMode.ARMED:
            self.counts["not_armed"] += 1
            raise self.fault or ControlError(
                ErrorCode.CONTROL_NOT_ARMED, "command refused: the robot is not armed"
            )

    def _refuse_outside(self, q: Floats) -> None:
        outside = np.maximum(self.limits.low - q, q - self.limits.high)
        worst = int(np.argmax(outside))
        if outside[worst] > OUTSIDE_RAD:
            got, allowed = beyond(q[worst], self.limits.low[worst], self.limits.high[worst], 3)
            text = f"joint {self._names[worst]} is outside its limits"
            raise ControlError(ErrorCode.CONTROL_LIMIT, text, got=f"{got} rad", expected=f"{allowed} rad")
