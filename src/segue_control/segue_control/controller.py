"""One robot's controller: one action per tick in, one checked joint command per update out.

    action (tick) -> guard.admit -> law: stream, kinematics -> guard.limit -> joints (control rate)

Pure: no ROS, no clock. The controller node drives it in real time and lockstep evaluation drives it tick by
tick, so both move the robot alike. What the law is, the robot's contract says; see `segue_control.controllers`.
"""

import copy
from dataclasses import replace

import numpy as np

from segue_control import controllers
from segue_control.commands import JointCommand, MeasuredJoints
from segue_control.controllers.base import JointStream, Setting
from segue_control.grippers import GripperStream
from segue_control.guard.effort_limiter import effort_limiter
from segue_control.guard.freeze_watch import FreezeWatch
from segue_control.guard.safety_guard import GuardMode, SafetyGuard
from segue_control.guard.self_distance import self_distance_check
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.limits import joint_limits
from segue_control.targets.joint_targets import JointCodec, joint_space
from segue_control.targets.sources import JointSource
from segue_core.arrays import Floats
from segue_core.contracts.controller import Interface
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ControlError, ErrorCode
from segue_core.figures import told_apart

_RUNAWAY = 2.0  # measured speeds beyond this many times the limit stop a robot whose loop is closed here
_DISARM = "disarm first (segue/arm with arm: false), then command"
_RUNAWAY_RAD_S = 0.5  # and beyond this: at rest a measured speed is noise


class RobotController:
    """Streams actions to joint commands. Deterministic; not thread safe.

    Without `now_ns` arguments time is counted in updates, which is what lockstep wants.

    Attributes:
        closed_loop: whether every update needs the joints measured since the one before, positions and speeds.
        active_limits: which bounds changed the last command.
        ran_away: a joint was much faster than it may be told to be, or is not measured any more; a robot told torques
            is better left to its own brakes then, until it is armed again.
    """

    def __init__(self, robot: RobotConfig) -> None:
        self.robot = robot
        self.kinematics = Kinematics(robot)
        limits = joint_limits(robot, self.kinematics.low, self.kinematics.high)
        self._interface = robot.control.interface
        self.closed_loop = self._interface is not Interface.POSITION
        self.guard = SafetyGuard(robot, limits, effort_limiter(robot), self_distance_check(robot))
        setting = Setting(robot, self.kinematics, limits, self.guard.counts)
        self._law = self._own_law = controllers.create(setting)
        self._planned_law = self._own_law.along(JointSource(setting, joint_space(robot), boxed=False))
        self._period_s = setting.period_s
        self._freeze = FreezeWatch(robot.joint_names, robot.safety.state_timeout_s, self._period_s)
        self._grippers = GripperStream(robot, self._period_s)
        space = robot.action_space
        self._openings = np.array([space.slice(f"{arm.name}_gripper").start for arm in robot.arms])
        self._joint_codec = JointCodec(robot)
        self._measured: MeasuredJoints | None = None
        self._observed = False
        self._start = self.kinematics.home  # where it was armed
        self._waiting = True  # armed, and no target yet
        self._let_go = True  # the stop under way, if any, began where the joints are
        self._updates = 0
        self.active_limits: tuple[str, ...] = ()
        self.ran_away = False

    def copy(self) -> "RobotController":
        """A controller in the same state that goes its own way; only the robot's model is shared."""
        return copy.deepcopy(self, {id(shared): shared for shared in (self.robot, self.kinematics)})

    def reset(self, q_measured: Floats, grippers: Floats | None = None) -> None:
        """Starts a new episode, armed and at rest: joints (n,) [rad] and openings (A,), default open.

        Raises:
            ControlError: a measured value is missing, not finite or outside the limits.
        """
        self.guard.restart()
        q = np.asarray(q_measured, dtype=np.float64)
        self.observe(q, v=np.zeros_like(q))
        self.arm(
            np.ones(len(self.robot.arms)) if grippers is None else np.asarray(grippers, dtype=np.float64)
        )

    def observe(self, q: Floats, now_ns: int | None = None, v: Floats | None = None) -> None:
        """Takes measured joint positions (n,) [rad] and, where a loop is closed here, speeds (n,) [rad/s].

        Once given a `now_ns`, the guard expects them to keep coming.
        """
        good = self.guard.observe(q, self._now(now_ns), watched=now_ns is not None)
        if good and self.guard.mode is GuardMode.ARMED:
            self._stop_if_frozen(q)
        if not (self.closed_loop and good):
            return
        if v is None:
            self.guard.bad_state(
                f"joint states without speeds; controller {self.robot.control.kind!r} needs them"
            )
        else:
            self._take_speeds(q, v)

    def _stop_if_frozen(self, q: Floats) -> None:
        try:
            self._freeze.refuse(q)
        except ControlError as error:
            self.guard.stop(error)
            self.ran_away = self._interface is Interface.EFFORT

    def _take_speeds(self, q: Floats, v: Floats) -> None:
        limits, names = self.guard.limits, self.robot.joint_names
        if v.shape != limits.low.shape or not np.isfinite(v).all():
            self.guard.bad_state(f"measured joint speeds are incomplete or not finite: {v.tolist()}")
            return
        allowed_rad_s = np.maximum(_RUNAWAY * limits.velocity, _RUNAWAY_RAD_S)
        over = np.abs(v) - allowed_rad_s
        if over.max() > 0.0 and self.guard.mode is GuardMode.ARMED:
            worst = int(np.argmax(over))
            got, allowed = told_apart(abs(v[worst]), allowed_rad_s[worst], 2)
            text = f"joint {names[worst]} runs away"
            error = ControlError(
                ErrorCode.CONTROL_LIMIT, text, got=f"{got} rad/s", expected=f"at most {allowed}"
            )
            self.guard.stop(error)
            self.ran_away = self._interface is Interface.EFFORT
        self._measured, self._observed = MeasuredJoints(q, v), True

    def arm(self, grippers: Floats, now_ns: int | None = None) -> None:
        """Allows motion from the last observed pose; `grippers` (A,) are the measured openings.

        A robot that is armed already changes hands, perhaps with something between its fingers: they stay as they were
        commanded, since the opening that is measured there is the object's, and commanding it would let go.

        Raises:
            ControlError: see `SafetyGuard.arm`.
        """
        changes_hands = self.guard.mode is GuardMode.ARMED
        self._start = self.guard.arm(self._now(now_ns))
        self._law = self._own_law
        self._law.begin(self._start)
        if changes_hands:
            self._grippers.freeze()
        else:
            self._grippers.reset(grippers)
        self._freeze.clear()
        self._waiting, self._let_go, self.ran_away = True, False, False

    def set_target(self, action: Floats, tick: int, now_ns: int | None = None) -> None:
        """Takes the action (D,) of a tick; call at the tick's beginning, before its first update.

        Raises:
            ControlError: refused (not armed, wrong width, not finite, old tick); the last one stands.
        """
        if self._law is self._planned_law:
            text = "a planned move is under way"
            raise ControlError(ErrorCode.CONTROL_FOREIGN_COMMAND, text, do=_DISARM)
        action = np.asarray(action, dtype=np.float64)
        self.guard.admit(self._law, action, tick, self._now(now_ns))
        self._grippers.push(action[self._openings])
        self._waiting = False

    def set_joint_target(self, action: Floats, tick: int, now_ns: int | None = None) -> None:
        """Takes a row (D,) of `joint_space` for a tick of a planned move, which owns the robot until disarmed.

        Raises:
            ControlError: refused (not armed, a policy commands, wrong width, not finite, old tick).
        """
        if self._law is not self._planned_law:
            self._begin_planned_move()
        action = np.asarray(action, dtype=np.float64)
        self.guard.admit(self._law, action, tick, self._now(now_ns))
        self._grippers.push(self._joint_codec.grippers(action))
        self._waiting = False

    def _begin_planned_move(self) -> None:
        if not self._waiting:
            text = "a policy commands the robot"
            raise ControlError(ErrorCode.CONTROL_FOREIGN_COMMAND, text, do=_DISARM)
        if self.guard.mode is GuardMode.ARMED:
            self._law = self._planned_law
            self._law.begin(self._start)

    def hold(self, tick: int, now_ns: int | None = None) -> None:
        """Takes a command for `tick` to stay at the last target; raises ControlError like `set_target`."""
        self.guard.keep_alive(self._law, tick, self._now(now_ns))

    def update(self, dt: float, now_ns: int | None = None) -> JointCommand:
        """One controller update of `dt` seconds, which must be the control period; returns what to command.

        Raises:
            ControlError: `dt` is not the period that the guard's bounds are made for, or a closed loop lacks a
                measurement.
        """
        if abs(dt - self._period_s) > 1e-6 * self._period_s:
            raise ControlError(
                ErrorCode.CONTROL_OVERRUN,
                "controller update",
                got=f"{dt:g} s",
                expected=f"{self._period_s:g} s",
            )
        self._updates += 1
        self.guard.cycle()
        self.guard.watch(self._now(now_ns))
        command = self._command(self._present(lockstep=now_ns is None))
        self._freeze.command(self.guard.speed)
        if self.guard.mode is not GuardMode.ARMED:
            self._grippers.freeze()
        return replace(command, grippers=self._grippers.advance())

    def _present(self, lockstep: bool) -> MeasuredJoints:
        """What the joints do; for a robot that is told positions, what they were told."""
        if not self.closed_loop or self._measured is None:
            return MeasuredJoints(self.guard.position, self.guard.speed)
        if lockstep and not self._observed:
            kind = self.robot.control.kind
            raise ControlError(
                ErrorCode.CONTROL_STATE_STALE, f"controller {kind!r} needs the joints before every update"
            )
        self._observed = False
        return self._measured

    def _command(self, measured: MeasuredJoints) -> JointCommand:
        guard, interface, none = self.guard, self._interface, np.zeros(0)
        if interface is Interface.VELOCITY:
            guard.anchor(measured.q)
        if guard.mode is not GuardMode.ARMED and not self._let_go:
            self._let_go = True
            if interface is Interface.EFFORT:
                guard.let_go(measured)
        stream = JointStream(guard.position, guard.speed)
        desired = self._law.desired(stream, measured) if guard.mode is GuardMode.ARMED else stream.q
        q, self.active_limits = guard.limit(desired)
        if guard.held_back:
            self._law.rebase(q)
        if interface is Interface.VELOCITY:
            return JointCommand(q, none, velocities=guard.speed)
        if interface is Interface.EFFORT:
            stopping = guard.mode is not GuardMode.ARMED
            torques = self._law.effort(JointStream(q, guard.speed), measured, stopping)
            efforts, reasons = guard.limit_effort(torques)
            self.active_limits += reasons
            return JointCommand(q, none, efforts=efforts)
        return JointCommand(q, none)

    def _now(self, now_ns: int | None) -> int:
        return round(self._updates * self._period_s * 1e9) if now_ns is None else now_ns
