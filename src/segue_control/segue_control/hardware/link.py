"""Between the command wire and a device: checks, time-outs and the one stop that follows from each of them.

    idle --command--> following --silence, stale or frozen states, no longer following--> stop (once) --> idle
                          '----fault: latched until recover----'

Idle means that nothing is sent: the device holds by itself. Pure; time is an argument, in seconds of the steady clock.
"""

from collections import Counter

import numpy as np

from segue_control.guard.freeze_watch import FreezeWatch
from segue_control.hardware.gate import CommandGate
from segue_control.hardware.motion import Motion
from segue_control.hardware.robot_side import JointTargets, RobotSide
from segue_control.hardware.velocity import lead
from segue_control.robot.limits import JointLimits
from segue_core.arrays import Floats
from segue_core.contracts.controller import Interface
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ControlError, ErrorCode
from segue_core.figures import told_apart


class HardwareLink:
    """One robot's link, with the limits of its joints.

    Attributes:
        counts: how often each kind of trouble happened, such as "refused" or "timeout".
        fault: why nothing is executed, or None.
        following: whether the device is being moved.
    """

    def __init__(self, robot: RobotConfig, hardware: HardwareConfig, limits: JointLimits) -> None:
        names = (*robot.joint_names, *robot.gripper_names)
        self._names, self._hardware = robot.joint_names, hardware
        self._state_timeout_s = robot.safety.state_timeout_s
        self._by_speed = _by_speed(robot)
        timeout_s, interface = robot.safety.robot_timeout_s, robot.control.interface
        self._side = RobotSide(names, len(robot.joint_names), timeout_s, interface)
        self._period_s = 1.0 / robot.control_rate_hz
        self._lead: Floats | None = None
        self._gate = CommandGate(robot.joint_names, limits, 1.0 / robot.control_rate_hz)
        self._freeze = FreezeWatch(robot.joint_names, robot.safety.state_timeout_s, self._period_s)
        self._frozen: ControlError | None = None
        self.counts: Counter[str] = Counter()
        self.fault: ControlError | None = None
        self.following = False
        self._measured: Floats | None = None
        self._measured_s = 0.0
        self._off_since_s: float | None = None

    def observe(self, q: Floats, at_s: float) -> None:
        """Takes joint positions (n,) [rad] that were received at `at_s`; ones that are not finite count as none."""
        if not np.isfinite(q).all():
            return
        self._measured, self._measured_s = q, at_s
        try:
            self._freeze.refuse(q)
        except ControlError as error:
            self._frozen = error

    def receive(
        self,
        names: tuple[str, ...],
        positions: Floats,
        now_s: float,
        velocities: Floats | None = None,
        sender: bytes = b"",
    ) -> Motion:
        """What to do for a command of the wire; `velocities` are there when the controller commands speeds.

        Raises:
            ControlError: refused and counted, and what is going on goes on: a fault is latched, no fresh measured
                state, another sender than the one that is followed, wrong joints, not finite, outside the limits, or
                a jump. It does not count as a sign of life either.
        """
        try:
            if self.fault:
                raise self.fault
            measured = self._fresh(now_s)
            target = self._side.look(names, positions, velocities, sender=sender)
            motion = self._motion(target, measured, now_s)
        except ControlError:
            self.counts["refused"] += 1
            raise
        self._side.take(target, now_s, sender)
        self._freeze.command(motion.dq)
        self.following = True
        return motion

    def _motion(self, target: JointTargets, measured: Floats, now_s: float) -> Motion:
        if not self._by_speed:
            dq = self._gate.check(target.positions, measured, now_s)
            return Motion(target.positions, dq, target.grippers)
        assert target.velocities is not None  # RobotSide refuses commands without
        self._gate.check_speed(target.velocities)
        begin = measured if self._lead is None else self._lead
        self._lead = lead(begin, target.velocities, measured, self._period_s)
        return Motion(self._lead, target.velocities, target.grippers, by_speed=True)

    def must_stop(self, now_s: float, commanded: Floats | None = None) -> ControlError | None:
        """Why the device must be stopped now, or None; asked once per control period.

        `commanded` (n,) is where the device was last told to be. What the robot itself does wrong is latched.
        """
        if not self.following:
            return None
        reason = self._stale(now_s) or self._stands()
        if reason is None and commanded is not None:
            reason = self._deviation(commanded, now_s)
        if reason is None and self._side.target(now_s) is None:
            self.counts["timeout"] += 1
            reason = ControlError(ErrorCode.CONTROL_COMMAND_STALE, "no joint commands: the robot holds")
        if reason is not None:
            self._end()
        return reason

    def fail(self, fault: ControlError) -> None:
        """The device cannot go on; nothing is executed until `recover`."""
        if self.fault is None:
            self.fault = fault
            self.counts["faults"] += 1
        self._end()

    def recover(self) -> None:
        """Forgets the fault; the next stream of commands begins at the measured pose."""
        self.fault = None
        self._end()

    def _end(self) -> None:
        self.following, self._off_since_s, self._lead, self._frozen = False, None, None, None
        self._freeze.clear()
        self._side.clear()
        self._gate.clear()

    def _fresh(self, now_s: float) -> Floats:
        if self._measured is None:
            raise ControlError(ErrorCode.CONTROL_STATE_STALE, "the robot has not told its joint states yet")
        if now_s - self._measured_s > self._state_timeout_s:
            age = f"{now_s - self._measured_s:.3f} s"
            text, most = "the robot's joint states are too old", f"at most {self._state_timeout_s:g} s"
            raise ControlError(ErrorCode.CONTROL_STATE_STALE, text, got=age, expected=most)
        return self._measured

    def _stale(self, now_s: float) -> ControlError | None:
        try:
            self._fresh(now_s)
        except ControlError as error:
            self.fail(error)
            return error
        return None

    def _stands(self) -> ControlError | None:
        frozen = self._frozen
        if frozen is not None:
            self.fail(frozen)
        return frozen

    def _deviation(self, commanded: Floats, now_s: float) -> ControlError | None:
        """A robot that does not do what it is told: brakes closed, a button pressed, a controller not active."""
        assert self._measured is not None
        off = np.abs(commanded - self._measured)
        worst = int(np.argmax(off))
        if off[worst] <= self._hardware.max_deviation_rad:
            self._off_since_s = None
            return None
        if self._off_since_s is None:
            self._off_since_s = now_s
        if now_s - self._off_since_s < self._hardware.deviation_time_s:
            return None
        text = f"the robot does not follow: {self._names[worst]} is away from its command"
        got, most = told_apart(off[worst], self._hardware.max_deviation_rad, 3)
        error = ControlError(
            ErrorCode.CONTROL_HARDWARE,
            text,
            got=f"{got} rad",
            expected=f"at most {most} rad",
            do="see that its controller is active, its brakes are open and nothing blocks it (docs/hardware.md)",
        )
        self.fail(error)
        return error


def _by_speed(robot: RobotConfig) -> bool:
    if robot.control.interface is Interface.EFFORT:
        text = f"robot '{robot.name}': controller {robot.control.kind!r} commands torques, and no back end takes them"
        raise ConfigError(
            ErrorCode.CONFIG_CONFLICT, text, expected="a controller that commands positions or speeds"
        )
    return robot.control.interface is Interface.VELOCITY
