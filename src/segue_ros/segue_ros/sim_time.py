"""What ROS's own simulated time does not do: keep to one clock, drop times before zero, notice that it is not heard.

rclpy follows whoever publishes /clock, in turns, and ends a node that hears a time before zero there. A node whose ends
of /clock were never matched, as has been seen on a machine with ten times as much to do as it can, would stand at time
0 for ever: it subscribes anew.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time_source import CLOCK_TOPIC, USE_SIM_TIME_NAME
from rosgraph_msgs.msg import Clock

from segue_core.errors import ConfigError, ErrorCode
from segue_ros import sole_sender
from segue_ros.executor import waiting_messages

AGAIN_S = 3.0
"""A clock whose publisher is there and which is silent for so long is listened to anew."""
PATIENCE_S = 20.0
"""With a clock whose publisher is there."""
SILENT_S = 3.0
"""Who told the time and is silent for so long is followed no more once another tells it."""
_SAY_S = 10.0
_ROOM = 50


class OneClock:
    """Has a node follow one publisher of /clock, the first that it heard, and drop times before zero.

    Make it right after the node. Who has told the time falls silent for `SILENT_S` before another is followed.
    """

    def __init__(self, node: Node) -> None:
        self._node, self._topic = node, node.resolve_topic_name(CLOCK_TOPIC)
        self._source = cast(Any, node._time_source)  # there is no public way to it
        self._take = self._source.clock_callback
        self._followed, self._followed_s = b"", float("-inf")
        self._rival, self._rival_s = b"", float("-inf")
        if self._source._clock_sub is not None:
            self.listen_anew()

    def listen_anew(self) -> None:
        """Subscribe again."""
        if self._source._clock_sub is not None:
            self._node.destroy_subscription(self._source._clock_sub)
        self._source._clock_sub = subscribe(self._node, self._hear)

    def refuse_rival(self) -> None:
        """Raises ConfigError (608), with the names of both, while two publishers tell the time."""
        rival = sole_sender.known_name_of(self._node, self._topic, self._rival)
        alone = self._rival == self._followed  # once a rival, followed since who told the time is silent
        if rival and not alone and time.monotonic() - self._rival_s < SILENT_S:
            followed = sole_sender.name_of(self._node, self._topic, self._followed)
            text = f"two publishers tell the simulated time on {self._topic}"
            do = "end one of them, or give each graph its own ROS_DOMAIN_ID"
            raise ConfigError(
                ErrorCode.ADDRESS_IN_USE, text, got=f"{followed} and node {rival}", expected="one", do=do
            )

    def _hear(self, message: Clock, info: Mapping[str, Any]) -> None:
        """The newest of those that have come: a rival's must not take the room of the one that is followed."""
        heard = [(message, info), *waiting_messages(self._source._clock_sub)]
        times = [(told, of) for told, of in heard if self._is_time(told)]
        mine = [told for told, of in times if self._follows(sole_sender.sender_of(of))]
        if mine:
            self._take(mine[-1])

    def _is_time(self, message: Clock) -> bool:
        if message.clock.sec >= 0:
            return True
        text = f"/clock dropped: got {message.clock.sec} s, expected 0 or more"
        self._node.get_logger().warning(text, throttle_duration_sec=1.0)
        return False

    def _follows(self, sender: bytes) -> bool:
        now_s = time.monotonic()
        if sender == self._followed or now_s - self._followed_s > SILENT_S:
            self._followed, self._followed_s = sender, now_s
            return True
        self._rival, self._rival_s = sender, now_s
        text = "a second publisher tells the simulated time; it is not followed"
        self._node.get_logger().warning(text, throttle_duration_sec=_SAY_S)
        return False


def subscribe(node: Node, hear: Callable[[Clock, Mapping[str, Any]], None]) -> Any:
    """A subscription to the clock with room for what a rival sends between two looks."""
    return node.create_subscription(
        Clock, CLOCK_TOPIC, hear, QoSProfile(depth=_ROOM, reliability=ReliabilityPolicy.BEST_EFFORT)
    )


def keep_clock(node: Node) -> None:
    """Has the node refuse another `use_sim_time` than it was started with: every tick it knows is of that clock."""
    began = node.get_parameter(USE_SIM_TIME_NAME).value

    def judge(asked: Sequence[Parameter[Any]]) -> SetParametersResult:
        if all(parameter.name != USE_SIM_TIME_NAME or parameter.value == began for parameter in asked):
            return SetParametersResult(successful=True)
        error = ConfigError(
            ErrorCode.CONFIG_CONFLICT,
            f"{USE_SIM_TIME_NAME} of a node that runs",
            expected=f"{str(began).lower()}, as it was started",
            do="end the node and start it with the other clock",
        )
        return SetParametersResult(successful=False, reason=str(error))

    node.add_on_set_parameters_callback(judge)


class FirstTime:
    """Whether a node hears the time that its parameter `use_sim_time` asks for."""

    def __init__(self, node: Node, clock: OneClock) -> None:
        self._node, self._name, self._clock = node, node.resolve_topic_name(CLOCK_TOPIC), clock
        self._there_s: float | None = None  # since when somebody tells the time
        self._asked_s = 0.0

    def heard(self) -> bool:
        """Whether there is a time. Call it again until it is so: a silent clock is listened to anew.

        Raises:
            ConfigError: the clock's publisher has been there for `PATIENCE_S`, and nothing was heard.
        """
        if self._node.get_clock().now().nanoseconds > 0:
            return True
        now_s = time.monotonic()
        if not self._node.count_publishers(self._name):
            text = f"waiting for the simulated time: nobody publishes {self._name} yet"
            self._node.get_logger().info(text, throttle_duration_sec=_SAY_S, skip_first=True)
            self._there_s = None
            return False
        if self._there_s is None:
            self._there_s = self._asked_s = now_s
        self._insist(now_s)
        return False

    def _insist(self, now_s: float) -> None:
        silent_s = now_s - (self._there_s or now_s)
        if silent_s > PATIENCE_S:
            raise ConfigError(
                ErrorCode.ENVIRONMENT_INCOMPLETE,
                f"node {self._node.get_fully_qualified_name()} hears no simulated time",
                got=f"nothing on {self._name} for {silent_s:.0f} s, though somebody publishes it",
                do=f"start the graph again; if it stays so, see whether time goes on: ros2 topic echo {self._name}",
            )
        if now_s - self._asked_s > AGAIN_S:
            self._asked_s = now_s
            self._node.get_logger().warning(f"nothing on {self._name} for {silent_s:.0f} s: listening anew")
            self._clock.listen_anew()
