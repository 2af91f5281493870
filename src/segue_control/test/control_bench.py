"""The controller node with everything around it in one peer node; the test owns both clocks."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from spinning import spin_until
from trajectory_msgs.msg import JointTrajectory

from segue_control.node.controller_node import ControllerNode
from segue_core import wire
from segue_core.contracts.robot import RobotConfig
from segue_interfaces.msg import RobotCommand, SafetyState
from segue_interfaces.srv import Arm, EmergencyStop, Recover
from segue_ros import conversions, qos, ticks

_ALL = slice(None)
ROBOTS = Path(__file__).parents[3] / "config" / "robots"


class Bench:
    """The controller node, and everything around it in one peer node."""

    def __init__(self, robot: RobotConfig) -> None:
        self.robot, self.period_ns = robot, round(1e9 / robot.control_rate_hz)
        self.now_ns = 10**10
        self.node = ControllerNode(steady_ns=lambda: self.now_ns)
        self.peer = Node("bench")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.executor.add_node(self.peer)
        self.commands: list[JointTrajectory] = []
        self.states: list[SafetyState] = []
        self.peer.create_subscription(JointTrajectory, "joint_command", self.commands.append, qos.COMMAND)
        self.peer.create_subscription(SafetyState, "segue/safety", self.states.append, qos.STATE)
        self._clock = self.peer.create_publisher(Clock, "/clock", 10)
        self._joints = self.peer.create_publisher(JointState, "joint_states", qos.SENSOR_SOURCE)
        self._commands = self.peer.create_publisher(RobotCommand, "segue/command", qos.COMMAND)
        self._clients = {
            kind: self.peer.create_client(kind, name)
            for kind, name in (
                (Arm, "segue/arm"),
                (EmergencyStop, "segue/emergency_stop"),
                (Recover, "segue/recover"),
            )
        }
        self.node.trigger_configure()
        self.node.trigger_activate()
        self.home = self.node._controller.kinematics.home
        heard = {self._joints: 1, self._commands: 1, self._clock: 2}
        self.until(lambda: all(out.get_subscription_count() == count for out, count in heard.items()))

    def until(self, done: Callable[[], bool]) -> None:
        """Spins until `done`, or fails."""
        spin_until(self.executor, done, "the node did not answer")

    def step(self, count: int = 1, joints: bool = True) -> None:
        """Lets control periods pass, one by one."""
        for _ in range(count):
            self.now_ns += self.period_ns
            if joints:
                self.joints(self.home)
            self._clock.publish(Clock(clock=ticks.stamp(self.now_ns)))
            self.until(lambda: self.node.get_clock().now().nanoseconds == self.now_ns)
            self.executor.spin_once(timeout_sec=0.0)

    def joints(self, q: np.ndarray) -> None:
        """Publishes joint states and waits until they arrived."""
        before = self.node._measured
        message = self.joint_states([*q.tolist(), *[1.0] * len(self.robot.arms)])
        self._joints.publish(message)
        self.until(lambda: self.node._measured is not before)

    def joint_states(self, position: list[float], part: slice = _ALL) -> JointState:
        """Those of now, all or a part of the joints, at rest."""
        names = [*self.robot.joint_names, *self.robot.gripper_names][part]
        message = JointState(name=names, position=position[part], velocity=[0.0] * len(names))
        message.header.stamp = ticks.stamp(self.now_ns)
        return message

    def call(self, request: object) -> object:
        """The answer to a service request."""
        kind = next(kind for kind in self._clients if isinstance(request, kind.Request))
        self.until(self._clients[kind].service_is_ready)
        answer = self._clients[kind].call_async(request)
        self.until(answer.done)
        return answer.result()

    def command(
        self, tick: int, run_id: str = "run", rise: float = 0.0, publisher: Publisher | None = None
    ) -> None:
        """Publishes a command; it is waited for by what it changes."""
        action = self.node._controller.kinematics.forward(self.home, np.ones(len(self.robot.arms)))
        action[2] += rise
        command = wire.Command(tick, run_id, action, hold=False, starved=False)
        (publisher or self._commands).publish(
            conversions.command_to_msg(command, self.robot.action_space, ticks.stamp(self.now_ns))
        )

    def commanded(self) -> int:
        """How many commands came until now: spins until none came for a tenth of a second."""
        before = -1
        while before != len(self.commands):
            before, end_s = len(self.commands), time.monotonic() + 0.1
            while time.monotonic() < end_s:
                self.executor.spin_once(timeout_sec=0.02)
        return before

    def age_is(self, low: float, high: float) -> bool:
        """Whether the last admitted command is that old."""
        return low <= self.node._controller.guard.command_age_s(self.now_ns) <= high

    def close(self) -> None:
        """Takes both nodes down."""
        self.node.end()
        self.node.destroy_node()
        self.peer.destroy_node()
