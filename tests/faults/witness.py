"""Hears what is commanded, where the joints are and what the guard says, and tells what that means.

Times are those of the run's clock (simulated seconds), so that a busy machine changes no figure; `at` turns a moment of
the steady clock, when something was done to the graph, into one of the run's clock.
"""

import math
import time
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from segue_control.controller import RobotController
from segue_control.robot.limits import JointLimits
from segue_core.contracts.robot import RobotConfig
from segue_interfaces.msg import SafetyState, SchedulerState
from segue_ros import qos
from segue_sim.testing import load_robot

REST_RAD_S = 0.01
_EVERY_ONE = QoSProfile(
    depth=3000, reliability=ReliabilityPolicy.RELIABLE
)  # a busy machine may read them late
ROGUE = "rogue"
"""The frame that messages of `Rogue` name: what it says is not what is commanded, measured or allowed."""
LAG_S = 0.1  # of the simulated servos: the speed that is left fades by e in this time
_ROUNDING = 1e-6
_ABOUT, _NEAR_S = (
    600,
    0.05,
)  # messages of joints, and how near one must be to a command to tell where it began
_AFRESH_RAD = 0.05  # a stream that begins, begins where the joints are, give or take what they sag


@dataclass(frozen=True)
class Heard:
    """A message's moment on the steady clock, its stamp on the run's, and what it says."""

    steady_s: float
    sim_s: float
    q: NDArray[np.float64]
    v: NDArray[np.float64]


@cache
def limits_of(robot: str) -> JointLimits:
    """The limits that a robot's stream keeps."""
    return RobotController(load_robot(robot)).guard.limits


def rest_bound_s(robot: str) -> float:
    """Longest time [s] from a stop's beginning to joints at rest: what limits and servos allow."""
    limits = limits_of(robot)
    return float((limits.stop_s + LAG_S * np.log(limits.velocity / REST_RAD_S)).max())


class Witness:
    """Subscribes on a node that somebody else spins in another thread."""

    def __init__(self, node: Node, robot: str, joints: str = "joint_states") -> None:
        self.config: RobotConfig = load_robot(robot)
        self.limits = limits_of(robot)
        self._names = self.config.joint_names
        self.commands: list[Heard] = []
        self.joints: list[Heard] = []
        self.safety: list[tuple[float, float, SafetyState]] = []
        self.states: list[SchedulerState] = []
        node.create_subscription(JointTrajectory, "joint_command", self._on_command, _EVERY_ONE)
        node.create_subscription(JointState, joints, self._on_joints, _EVERY_ONE)
        node.create_subscription(SafetyState, "segue/safety", self._on_safety, qos.STATE)
        node.create_subscription(SchedulerState, "segue/state", self.states.append, qos.STATE)

    def forget(self) -> None:
        """Drop what was heard, but for the newest: another test begins."""
        self.commands.clear()
        for heard in (self.joints, self.safety, self.states):
            del heard[:-1]

    def hears(self) -> bool:
        """Whether joints and guard have been heard."""
        return bool(self.joints and self.safety)

    @property
    def sim_s(self) -> float:
        """The run's clock, as last heard."""
        return self.joints[-1].sim_s if self.joints else 0.0

    @property
    def speed(self) -> float:
        """The fastest joint's speed now [rad/s]."""
        return float(np.abs(self.joints[-1].v).max()) if self.joints else 0.0

    @property
    def still_s(self) -> float:
        """How long no joint has moved."""
        moved_s = self.moved_until()
        return self.sim_s - (moved_s if math.isfinite(moved_s) else self.joints[0].sim_s)

    @property
    def armed(self) -> bool:
        """Whether the guard said so last."""
        return bool(self.safety and self.safety[-1][2].armed)

    @property
    def error_code(self) -> int:
        """What the guard has latched."""
        return int(self.safety[-1][2].error_code)

    def counted(self, name: str) -> int:
        """How often the guard has done this since arming."""
        said = self.safety[-1][2]
        return int(dict(zip(said.count_names, said.counts, strict=True)).get(name, 0))

    def at(self, steady_s: float) -> float:
        """The run's clock when the steady clock showed `steady_s`."""
        index = bisect_right(self.joints, steady_s, key=lambda heard: heard.steady_s) - 1
        return self.joints[max(index, 0)].sim_s

    def moved_until(self, since_s: float = -math.inf) -> float:
        """The last moment at which a joint moved; minus infinity when none has."""
        for heard in reversed(self.joints):
            if heard.sim_s < since_s:
                break
            if np.abs(heard.v).max() > REST_RAD_S:
                return heard.sim_s
        return -math.inf

    def stopped_after(self, since_s: float) -> float:
        """Seconds from `since_s` to the guard's first word that it is not armed; infinity without one.

        Its stamps lag by up to a tick, and the run's clock may stand while it stops: what it said later counts.
        """
        index = bisect_left(self.joints, since_s, key=lambda heard: heard.sim_s)
        steady_s = self.joints[min(index, len(self.joints) - 1)].steady_s
        stamps = (s for steady, s, said in self.safety if steady >= steady_s and not said.armed)
        return max(0.0, next(stamps, math.inf) - since_s)

    def unarmed_at(self, steady_s: float) -> float:
        """When, on the steady clock, the guard first said after `steady_s` that it is not armed; else infinity."""
        return next((when for when, _, said in self.safety if when >= steady_s and not said.armed), math.inf)

    def was_armed(self, since_s: float) -> bool:
        """Whether the guard said so at any moment from `since_s` on."""
        return any(said.armed for _, s, said in self.safety if s >= since_s)

    def rested_after(self, since_s: float) -> float:
        """Seconds from `since_s` to joints at rest, with nothing moving afterwards."""
        return max(0.0, self.moved_until(since_s) - since_s)

    def top_speed(self, since_s: float) -> float:
        """The fastest joint's speed [rad/s] since then."""
        speeds = [np.abs(heard.v).max() for heard in self.joints if heard.sim_s >= since_s]
        return float(max(speeds, default=0.0))

    def count(self, name: str) -> int:
        """How often the guard did something since arming, such as "foreign", as it said last."""
        said = self.safety[-1][2]
        return dict(zip(said.count_names, said.counts, strict=True)).get(name, 0)

    def reach(self, since_s: float) -> NDArray[np.float64]:
        """How far the joints went since then, (2, n): lowest and highest [rad]."""
        path = np.array([heard.q for heard in self.joints if heard.sim_s >= since_s])
        return np.stack([path.min(axis=0), path.max(axis=0)])

    def bad_commands(self) -> list[str]:
        """What was on the wire and must not be: not finite, outside limits, or a step too large."""
        period_s, bad = 1.0 / self.config.control_rate_hz, []
        for index, heard in enumerate(self.commands):
            for problem in self._problems(heard, self.commands[index - 1] if index else None, period_s):
                bad.append(f"{heard.sim_s:.3f} s: {problem}")
        return bad

    def _problems(self, heard: Heard, before: Heard | None, period_s: float) -> list[str]:
        limits, found = self.limits, []
        if not (np.isfinite(heard.q).all() and np.isfinite(heard.v).all()):
            return ["not finite"]
        margin = self.config.limits.position_margin_rad + _ROUNDING
        if (heard.q < limits.low - margin).any() or (heard.q > limits.high + margin).any():
            found.append(f"outside the position limits: {heard.q}")
        if heard.v.size and (np.abs(heard.v) > limits.velocity + _ROUNDING).any():
            found.append(f"faster than the limits: {heard.v}")
        since_s = math.inf if before is None else heard.sim_s - before.sim_s
        if before is None or not 0.0 <= since_s <= self.config.safety.robot_timeout_s + 0.5 * period_s:
            there = self._measured(heard)
            if there is None:  # this witness was not there yet, or missed it: nothing can be said
                return found
            away = np.abs(heard.q - there.q) - 2.0 * LAG_S * np.abs(there.v)  # joints in motion are behind
            found += [f"begins {away.max():.3f} rad from the joints"] if away.max() > _AFRESH_RAD else []
            return found
        if (
            heard.v.size
        ):  # the velocities are what the robot is told; its positions begin at the measured joints each time
            return found
        allowed = limits.velocity * period_s * max(1, round(since_s / period_s)) + _ROUNDING
        if (np.abs(heard.q - before.q) > allowed).any():
            found.append(f"a step of {np.abs(heard.q - before.q).max():.4f} rad in {1e3 * since_s:.0f} ms")
        return found

    def _measured(self, command: Heard) -> Heard | None:
        """Where the joints were when it was commanded: a busy machine may read that after the command.

        None where nothing of that time was heard, as before the topic was discovered.
        """
        index = bisect_right(self.joints, command.steady_s, key=lambda heard: heard.steady_s)
        about = self.joints[max(0, index - _ABOUT) : index + _ABOUT]
        near = min(about, key=lambda heard: abs(heard.sim_s - command.sim_s), default=None)
        return near if near is not None and abs(near.sim_s - command.sim_s) <= _NEAR_S else None

    def _on_command(self, message: JointTrajectory) -> None:
        if message.header.frame_id == ROGUE:
            return
        point, count = message.points[0], len(self._names)
        q, v = np.array(point.positions[:count]), np.array(point.velocities[:count])
        self.commands.append(Heard(time.monotonic(), _seconds(message), q, v))

    def _on_joints(self, message: JointState) -> None:
        if message.header.frame_id == ROGUE:
            return
        order = [message.name.index(name) for name in self._names]
        q, v = np.array(message.position)[order], np.array(message.velocity)[order]
        self.joints.append(Heard(time.monotonic(), _seconds(message), q, v))

    def _on_safety(self, message: SafetyState) -> None:
        if message.header.frame_id == ROGUE:
            return
        self.safety.append((time.monotonic(), _seconds(message), message))


def _seconds(message: JointTrajectory | JointState | SafetyState) -> float:
    return float(message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec)
