"""What ROS's own simulated time does not do: drop times before zero, keep to a clock, and notice that it is not heard.

rclpy ends a node whose /clock says a time before zero. A node whose ends of /clock were never matched, as has been seen
on a machine with ten times as much to do as it can, would stand at time 0 for ever: it subscribes anew.
"""

import time
from collections.abc import Sequence
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.time_source import CLOCK_TOPIC, USE_SIM_TIME_NAME

from segue_core.errors import ConfigError, ErrorCode

AGAIN_S = 3.0
"""A clock whose publisher is there and which is silent for so long is listened to anew."""
PATIENCE_S = 20.0
"""With a clock whose publisher is there."""
_SAY_S = 10.0


def refuse_times_before_zero(node: Node) -> None:
    """Has the node drop such a /clock, with a warning; call it right after the node was made."""
    source: Any = node._time_source  # there is no public way to it
    take = source.clock_callback

    def checked(message: Any) -> None:
        if message.clock.sec < 0:
            text = f"/clock dropped: got {message.clock.sec} s, expected 0 or more"
            node.get_logger().warning(text, throttle_duration_sec=1.0)
            return
        take(message)

    source.clock_callback = checked
    if source._clock_sub is not None:
        source._clock_sub.callback = checked


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

    def __init__(self, node: Node) -> None:
        self._node, self._name = node, node.resolve_topic_name(CLOCK_TOPIC)
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
            _listen_anew(self._node)


def _listen_anew(node: Node) -> None:
    source: Any = node._time_source  # there is no public way to it
    if source._clock_sub is not None:
        node.destroy_subscription(source._clock_sub)
        source._clock_sub = None
    source._subscribe_to_clock_topic()
