"""The Cartesian controller: one tool target per tick in, one checked joint command per update out.

    action (tick) -> guard.admit -> interpolation -> inverse kinematics -> guard.limit -> joints (120 Hz)

Pure: no ROS, no clock. The controller node drives it in real time and lockstep evaluation drives it tick by
tick, so both move the robot alike.
"""

import copy

import numpy as np
from numpy.typing import NDArray

from segue_control.commands import JointCommand
from segue_control.grippers import GripperStream
from segue_control.guard import GuardMode, SafetyGuard
from segue_control.joint_targets import JointCodec
from segue_control.kinematics import Kinematics
from segue_control.limits import joint_limits
from segue_control.streaming import SplineStream, TickInterpolator
from segue_core.errors import ControlError, ErrorCode
from segue_core.robot_config import RobotConfig

Array = NDArray[np.float64]


class CartesianController:
    """Streams end-effector actions to joint commands. Deterministic; not thread safe.

    Without `now_ns` arguments time is counted in updates, which is what lockstep wants.
    """

    def __init__(self, robot: RobotConfig) -> None:
        self.robot = robot
        self.kinematics = Kinematics(robot)
        self.guard = SafetyGuard(
            robot, joint_limits(robot, self.kinematics.low, self.kinematics.high), self.kinematics.codec
        )
        self._period_s = 1.0 / robot.control_rate_hz
        self._tick_share = robot.tick_rate_hz / robot.control_rate_hz
        self._reach = self.guard.limits.velocity * self._period_s
        self._grippers = GripperStream(robot, self._period_s)
        self._interpolator = TickInterpolator(self.kinematics.poses(self.kinematics.home))
        self._joint_codec = JointCodec(robot)
        self._joint_stream: SplineStream | None = None  # of a planned move, which ends with disarming
        self._path = self.kinematics.home
        self._waiting = True  # armed, and no target yet: not even the elbow moves
        self._updates = 0
        self.active_limits: tuple[str, ...] = ()

    def copy(self) -> "CartesianController":
        """A controller in the same state that goes its own way; only the robot's model is shared."""
        return copy.deepcopy(self, {id(shared): shared for shared in (self.robot, self.kinematics)})

    def reset(self, q_measured: Array, grippers: Array | None = None) -> None:
        """Starts a new episode, armed and at rest: joints (n,) [rad] and openings (A,), default open.

        Raises:
            ControlError: a measured value is missing, not finite or outside the limits.
        """
        self.guard.restart()
        self.observe(np.asarray(q_measured, dtype=np.float64))
        self.arm(
            np.ones(len(self.robot.arms)) if grippers is None else np.asarray(grippers, dtype=np.float64)
        )

    def observe(self, q: Array, now_ns: int | None = None) -> None:
        """Takes measured joint positions (n,) [rad].

        Once given a `now_ns`, the guard expects them to keep coming.
        """
        self.guard.observe(q, self._now(now_ns), watched=now_ns is not None)

    def arm(self, grippers: Array, now_ns: int | None = None) -> None:
        """Allows motion from the last observed pose; `grippers` (A,) are the measured openings.

        Raises:
            ControlError: see `SafetyGuard.arm`.
        """
        measured = self.guard.measured(self._now(now_ns))
        poses = self.kinematics.poses(measured)
        self.guard.arm(poses, self._now(now_ns))
        self._interpolator = TickInterpolator(poses)
        self._path = np.clip(measured, self.guard.limits.low, self.guard.limits.high)
        self._grippers.reset(grippers)
        self._joint_stream, self._waiting = None, True

    def set_target(self, action: Array, tick: int, now_ns: int | None = None) -> None:
        """Takes the action (D,) of a tick; call at the tick's beginning, before its first update.

        Raises:
            ControlError: refused (not armed, wrong width, not finite, old tick); the last one stands.
        """
        if self._joint_stream is not None:
            raise ControlError(ErrorCode.CONTROL_FOREIGN_COMMAND, "a planned move is under way; disarm first")
        action = np.asarray(action, dtype=np.float64)
        self._interpolator.push(self.guard.admit(action, tick, self._now(now_ns)))
        self._grippers.push(self.kinematics.codec.grippers(action))
        self._waiting = False

    def set_joint_target(self, action: Array, tick: int, now_ns: int | None = None) -> None:
        """Takes a row (D,) of `joint_space` for a tick of a planned move, which owns the robot until disarmed.

        Raises:
            ControlError: refused (not armed, a policy commands, wrong width, not finite, old tick).
        """
        if self._joint_stream is None and not self._waiting:
            raise ControlError(ErrorCode.CONTROL_FOREIGN_COMMAND, "a policy commands the robot; disarm first")
        action = np.asarray(action, dtype=np.float64)
        q = self.guard.admit_joints(action, tick, self._now(now_ns))
        self._joint_stream = self._joint_stream or SplineStream(self._path)
        self._joint_stream.push(q)
        self._grippers.push(self._joint_codec.grippers(action))
        self._waiting = False

    def hold(self, tick: int, now_ns: int | None = None) -> None:
        """Takes a command for `tick` to stay at the last target; raises ControlError like `set_target`."""
        self.guard.keep_alive(tick, self._now(now_ns))

    def update(self, dt: float, now_ns: int | None = None) -> JointCommand:
        """One controller update of `dt` seconds, which must be the control period; returns what to command.

        Raises:
            ControlError: `dt` is not the period that the guard's bounds are made for.
        """
        if abs(dt - self._period_s) > 1e-6 * self._period_s:
            raise ControlError(
                ErrorCode.CONTROL_OVERRUN, "controller update", got=f"{dt} s", expected=self._period_s
            )
        self._updates += 1
        self.guard.cycle()
        self.guard.watch(self._now(now_ns))
        if self.guard.mode is GuardMode.ARMED and not self._waiting:
            self._follow_path()
        command, self.active_limits = self.guard.limit(self._path)
        if self.guard.mode is not GuardMode.ARMED:
            self._path = command
            self._grippers.freeze()
        return JointCommand(command, self._grippers.advance())

    def _follow_path(self) -> None:
        """Moves the joint path one step along the tool path, no faster than the joints can go."""
        if self._joint_stream is not None:
            self._path = self._joint_stream.advance(self._tick_share)
            return
        limits = self.guard.limits
        low = np.maximum(limits.low, self._path - self._reach)
        high = np.minimum(limits.high, self._path + self._reach)
        self._path = self.kinematics.step(self._interpolator.advance(self._tick_share), self._path, low, high)

    def _now(self, now_ns: int | None) -> int:
        return round(self._updates * self._period_s * 1e9) if now_ns is None else now_ns
