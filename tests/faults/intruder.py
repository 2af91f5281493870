"""A node that has no business here: it overhears what moves the robot and says something else, again and again."""

from contextlib import ExitStack
from copy import deepcopy
from threading import Event, Thread
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rosgraph_msgs.msg import Clock
from typing_extensions import Self

from segue_interfaces.msg import RobotCommand
from segue_ros import qos

from .witness import ROGUE

AWAY_M = 0.3  # or radians: further than anything that sways
_RATE_HZ = 60.0  # twice the owner's; much more would drown the owner's commands, which only stops the arm


class Intruder:
    """A context in which a node publishes on a topic of commands what it overheard there, moved away, ticks ahead.

    Args:
        kind: type of the message, RobotCommand or JointTrajectory.
        name: the node's name.
        run_id: of its commands; None for the one that it overheard.
        lasting: a command that was overheard before; without one it is silent until it hears one.
    """

    def __init__(
        self, domain: int, topic: str, kind: Any, *, name: str = "intruder", run_id: str | None = "intruder",
        lasting: Any = None,
    ) -> None:  # fmt: skip
        self._domain, self._topic, self._kind, self._name = domain, topic, kind, name
        self._run_id, self._heard, self._ahead = run_id, lasting, 0
        self.sent = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            context = Context()
            rclpy.init(context=context, domain_id=self._domain)
            stack.callback(context.try_shutdown)
            self._node = rclpy.create_node(self._name, context=context)
            self._out = self._node.create_publisher(self._kind, self._topic, qos.COMMAND)
            self._node.create_subscription(self._kind, self._topic, self._on_message, qos.COMMAND)
            self._node.create_timer(1.0 / _RATE_HZ, self._say)
            self._over = Event()
            thread = Thread(target=self._spin, args=(context,), daemon=True)
            thread.start()
            stack.callback(thread.join, 5.0)
            stack.callback(self._over.set)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def heard_by(self) -> int:
        """How many subscribe to it."""
        return self._out.get_subscription_count()

    def _spin(self, context: Context) -> None:
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(self._node)
        try:
            while not self._over.is_set():
                executor.spin_once(timeout_sec=0.05)
        except ExternalShutdownException:
            return

    def _on_message(self, message: Any) -> None:
        if message.header.frame_id != ROGUE:
            self._heard, self._ahead = message, 0

    def _say(self) -> None:
        if self._heard is None:
            return
        message = deepcopy(self._heard)
        message.header.frame_id = ROGUE
        if isinstance(message, RobotCommand):
            self._ahead += 1
            message.tick += self._ahead
            message.run_id = message.run_id if self._run_id is None else self._run_id
            message.action = [value + AWAY_M for value in message.action]
            message.hold = False
        else:
            for point in message.points:
                point.positions = [value + AWAY_M for value in point.positions]
        self._out.publish(message)
        self.sent += 1


class SecondClock(Intruder):
    """Tells another simulated time, as somebody does who plays a bag beside a simulation."""

    def __init__(self, domain: int) -> None:
        super().__init__(domain, "/clock", Clock, name="player")

    def _on_message(self, message: Clock) -> None:
        """It goes its own way."""

    def _say(self) -> None:
        message = Clock()
        message.clock.sec, self.sent = 900 + self.sent // 60, self.sent + 1
        self._out.publish(message)
