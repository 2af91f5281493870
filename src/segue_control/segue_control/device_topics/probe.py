"""Finds out what is there: who publishes, who listens, and the parameters of the controllers that listen.

Done through the ROS graph and the parameter services that every node has, because the controller manager's own
services need messages that exist only where ros2_control is installed.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import rclpy
from rcl_interfaces.srv import GetParameters
from rclpy.client import Client
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.task import Future

_SPIN_S = 0.05
_UNKNOWN = "_NODE_NAME_UNKNOWN_"  # an end of a topic is discovered before the node that it belongs to
_ANSWER_S = 2.0


@dataclass(frozen=True)
class Listener:
    """A node that subscribes to a command topic, and of which type it expects it."""

    node: str
    type: str


class Probe:
    """A node of its own that asks around; use as a context manager. Blocks, at most for the time that is given."""

    def __init__(self, beside: Node) -> None:
        self._own = beside.get_fully_qualified_name()
        self._node = rclpy.create_node(
            f"{beside.get_name()}_probe", namespace=beside.get_namespace(), context=beside.context
        )
        self._executor = SingleThreadedExecutor(context=beside.context)
        self._executor.add_node(self._node)

    def __enter__(self) -> "Probe":
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.remove_node(self._node)
        self._node.destroy_node()

    def wait(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Spins until `condition` holds; its last value."""
        end = time.monotonic() + timeout_s
        while not (true := condition()) and time.monotonic() < end:
            self._executor.spin_once(timeout_sec=_SPIN_S)
        return true

    def publishers(self, topic: str) -> int:
        """How many nodes besides our own publish `topic`."""
        found = self._node.get_publishers_info_by_topic(topic)
        return sum(_full_name(info) != self._own for info in found)

    def listeners(self, topic: str) -> list[Listener]:
        """Who subscribes to `topic`; one whose name has not come round yet is left out."""
        found = self._node.get_subscriptions_info_by_topic(topic)
        return [
            Listener(_full_name(info), info.topic_type) for info in found if _UNKNOWN not in info.node_name
        ]

    def parameters(self, node: str, names: Sequence[str]) -> dict[str, Any]:
        """Values of those parameters of `node` that it has; empty when it does not answer."""
        client: Client[Any, Any] = self._node.create_client(GetParameters, f"{node}/get_parameters")
        try:
            if not self.wait(client.service_is_ready, _ANSWER_S):
                return {}
            # One by one: a node may refuse the whole question because of one name that it does not know.
            asked = {name: client.call_async(GetParameters.Request(names=[name])) for name in names}
            self.wait(lambda: all(future.done() for future in asked.values()), _ANSWER_S)
            return {name: value for name, f in asked.items() if (value := _value(f)) is not None}
        finally:
            self._node.destroy_client(client)


def _value(future: Future[Any]) -> Any:
    if not future.done():
        return None
    answer: Any = future.result()
    return parameter_value_to_python(answer.values[0]) if answer and answer.values else None


def _full_name(info: Any) -> str:
    return f"{info.node_namespace.rstrip('/')}/{info.node_name}"
