"""Franka arms (FR3, Panda) through franky, whose C++ thread holds the 1 kHz loop.

Every command moves the reference of one long-lived joint impedance motion; torques are franky's, at 1 kHz. When this
process dies, the robot's control misses its packets and stops by itself within 20 ms.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.node import Node

from segue_control.backends.base import MeasuredRobot
from segue_control.hardware.franka import FrankaArmOptions, FrankaOptions, franka_error, was_preempted
from segue_control.hardware.franka_hand import Hand, Loop
from segue_control.hardware.motion import Motion
from segue_core.arrays import Floats
from segue_core.contracts.base import parse_model
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ControlError, ErrorCode, unknown_name

_JOINTS = 7
_STATE_HZ = 250.0


def load_library() -> Any:
    """The library franky; raises ConfigError that says what to install when it is not there."""
    try:
        return importlib.import_module("franky")
    except ImportError as error:
        text, do = f"Franka arms need franky ({error})", "pip install --no-deps -r requirements/hardware.txt"
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, do=do) from error


class FrankaArm:
    """One arm. Its state comes from a thread of its own, because reading it may wait for the network."""

    def __init__(
        self,
        name: str,
        library: Any,
        given: FrankaArmOptions,
        options: FrankaOptions,
        now_s: Callable[[], float],
    ) -> None:
        self._name, self._franky, self._options, self._now_s = name, library, options, now_s
        self._tracker: Any = None
        self._moving = False
        self.q: Floats = np.zeros(_JOINTS)
        self.at_s = 0.0
        self.flags: list[str] = []
        self._ended: ControlError | None = None  # why the robot left a motion, until it is recovered
        realtime = library.RealtimeConfig.Enforce if options.realtime else library.RealtimeConfig.Ignore
        try:
            self.robot = library.Robot(given.address, realtime_config=realtime)
            self.robot.set_collision_behavior(options.collision_torque_n_m, options.collision_force_n)
            self.hand = Hand(library, given.address, options, now_s) if given.hand else None
            self._read()
        except Exception as error:
            raise self.error_of(error) from error
        self._loop = Loop(f"arm {given.address}", _STATE_HZ, self._read)

    def _read(self) -> None:
        state = self.robot.state
        self.flags = _raised(state.current_errors)
        self.q, self.at_s = np.array(state.q, dtype=np.float64), self._now_s()

    def follow(self, q: Floats, dq: Floats) -> None:
        """Moves the reference (7,) [rad], [rad/s]; the first one takes control of the arm where it is."""
        if not self._moving:
            self._tracker = self._franky.JointImpedanceTracker(
                self.robot, stiffness=self._options.stiffness, max_delta_tau=self._options.torque_rate
            )
            self._moving = True
        self._tracker.set_target(q, dq)

    def stop(self) -> None:
        """Ramps the torques into damping; the robot then holds with its own controller."""
        if self._moving and self.robot.is_in_control:
            self.robot.move(self._franky.TorqueStopMotion(), asynchronous=True)
        self._moving = False

    def fault(self) -> ControlError | None:
        """What is wrong with the arm, its hand or the connection."""
        hand_error = self.hand.loop.error if self.hand else None
        for error in (self._loop.error, hand_error):
            if error is not None:
                return self.error_of(error)
        if self._moving and not self.robot.is_in_control:
            self._ended = self._why_out_of_control()
        if self._ended is not None:
            return self._ended
        return franka_error(self._name, "", "the robot reports errors", self.flags) if self.flags else None

    def _why_out_of_control(self) -> ControlError:
        self._moving = False
        try:
            self.robot.join_motion(0.0)
        except Exception as error:
            if not was_preempted(str(error)):
                return self.error_of(error)
        return franka_error(self._name, "", "the robot ended the motion by itself", self.flags)

    def recover(self) -> None:
        """Asks the robot to forget its errors. Raises ControlError when it does not."""
        try:
            recovered = self.robot.recover_from_errors()
        except Exception as error:
            raise self.error_of(error) from error
        self._ended = None
        if not recovered or self._loop.error is not None:
            raise franka_error(self._name, "CommandException", "the robot's errors remain", self.flags)

    def close(self) -> None:
        """Ends the motion and the threads."""
        self.stop()
        if self.hand:
            self.hand.loop.end()
        self._loop.end()

    def error_of(self, error: Exception) -> ControlError:
        """One of libfranka's exceptions as ours."""
        return franka_error(self._name, type(error).__name__, str(error))


def _raised(errors: Any) -> list[str]:
    """Names of the flags that are set."""
    names = [name for name in dir(errors) if not name.startswith("_")]
    return [name for name in names if getattr(errors, name) is True]


class FrankaBackend:
    """See `Backend`."""

    def __init__(self, robot: RobotConfig, hardware: HardwareConfig, now_s: Callable[[], float]) -> None:
        source = f"hardware of robot '{robot.name}': options"
        self._options = parse_model(hardware.options, FrankaOptions, source)
        self._names = [arm.name for arm in robot.arms]
        for name in (*self._options.arms, *self._names):
            if name not in self._options.arms or name not in self._names:
                raise unknown_name(f"arm of robot '{robot.name}' or of its hardware", name, self._names)
        self._library = load_library()
        self._now_s = now_s
        self._arms: list[FrankaArm] = []
        self._read_s = -float("inf")

    def connect(self) -> tuple[str, ...]:
        """Connects to every arm and hand; nothing moves."""
        notes = []
        for name in self._names:
            given = self._options.arms[name]
            self._arms.append(FrankaArm(name, self._library, given, self._options, self._now_s))
            notes.append(f"arm '{name}' at {given.address} is connected")
        return tuple(notes)

    def read(self, now_s: float) -> MeasuredRobot | None:
        """The newest joints and widths."""
        at_s = min(arm.at_s for arm in self._arms)
        if at_s <= self._read_s:
            return None
        self._read_s = at_s
        openings = [arm.hand.opening if arm.hand else 1.0 for arm in self._arms]
        return MeasuredRobot(np.concatenate([arm.q for arm in self._arms]), np.array(openings), at_s)

    def write(self, motion: Motion, now_s: float) -> None:
        """Moves the references; a refusal of the library becomes a fault."""
        for index, arm in enumerate(self._arms):
            part = slice(index * _JOINTS, (index + 1) * _JOINTS)
            arm.follow(motion.q[part], motion.dq[part])
            if arm.hand:
                arm.hand.wanted = float(motion.grippers[index])

    def stop(self, now_s: float) -> None:
        """Brings the arms to rest."""
        for arm in self._arms:
            arm.stop()

    def fault(self) -> ControlError | None:
        """The first arm's trouble."""
        return next((fault for arm in self._arms if (fault := arm.fault()) is not None), None)

    def recover(self) -> None:
        """Recovers every arm."""
        for arm in self._arms:
            arm.recover()

    def close(self) -> None:
        """Lets the arms go, at rest."""
        for arm in self._arms:
            arm.close()
        self._arms = []


def create(
    node: Node, robot: RobotConfig, hardware: HardwareConfig, now_s: Callable[[], float]
) -> FrankaBackend:
    """The back end `franka`."""
    return FrankaBackend(robot, hardware, now_s)
