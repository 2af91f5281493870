"""One node of a name and one sender of a stream, which ROS itself does not see to.

Two nodes of one name share their services and actions: both take every request, and the caller hears whoever is
faster. What moves a robot looks around here before it agrees to anything. A process that was killed, or whose farewell
was lost, stays in DDS's books until its lease of 20 s is over; for so long it counts as there, and who can wait does.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rclpy.client import Client
from rclpy.node import Node

from segue_core.errors import ConfigError, ControlError, ErrorCode, SegueError
from segue_ros.waiting import call, until

PATIENCE_S = 22.0  # a little more than DDS's lease
_AGAIN_S = 0.5
_WHAT_TO_DO = "end all but one (one that was killed is seen for up to 20 s)"


def sender_of(info: Mapping[str, Any]) -> bytes:
    """Who published a message, by the info that comes with it; empty where the middleware does not tell."""
    gid = info.get("publisher_gid")
    return bytes(gid["data"]) if gid else b""


def name_of(node: Node, topic: str, sender: bytes) -> str:
    """The node that publishes `topic` under this `sender_of`, for an error's text."""
    name = known_name_of(node, topic, sender)
    return f"node {name}" if name else "a node that is gone, or unknown,"


def known_name_of(node: Node, topic: str, sender: bytes) -> str:
    """As `name_of`, the name alone; empty when it is gone, or unknown."""
    there = node.get_publishers_info_by_topic(node.resolve_topic_name(topic))
    return next((_full_name(info) for info in there if bytes(info.endpoint_gid) == sender), "")


def _full_name(info: Any) -> str:
    return f"{info.node_namespace.rstrip('/')}/{info.node_name}"


def refuse_namesakes(node: Node) -> None:
    """Raises ConfigError (608) when other nodes of the domain have this node's name."""
    name = node.get_fully_qualified_name()
    there = node.get_fully_qualified_node_names().count(name)
    if there > 1:
        text = f"{there} nodes are called {name} on ROS domain {node.context.get_domain_id()}"
        raise ConfigError(ErrorCode.ADDRESS_IN_USE, text, do=_WHAT_TO_DO)


def refuse_second_publisher(node: Node, topic: str, dead: int = 0) -> None:
    """Raises ControlError (311) with the names of all who publish `topic` when it is more than one.

    `dead` of them are known to be dead and only in DDS's books.
    """
    topic = node.resolve_topic_name(topic)
    if node.count_publishers(topic) - dead < 2:
        return
    there = node.get_publishers_info_by_topic(topic)
    names = ", ".join(sorted(_full_name(info) for info in there))
    text = f"several nodes publish {topic}"
    raise ControlError(ErrorCode.CONTROL_FOREIGN_COMMAND, text, got=names, expected="one", do=_WHAT_TO_DO)


async def until_alone(node: Node, topic: str = "", dead: Callable[[], int] = lambda: 0) -> None:
    """Waits until nobody else has this node's name, and one node publishes `topic`, apart from `dead` ones.

    Raises:
        SegueError: somebody was still there after `PATIENCE_S`; as `refuse_namesakes` or `refuse_second_publisher`.
    """
    company = _company(node, topic, dead())
    if company is not None:
        node.get_logger().warning(f"waiting: {company}")
        await until(node, lambda: _company(node, topic, dead()) is None, PATIENCE_S)
        company = _company(node, topic, dead())
    if company is not None:
        raise company


def _company(node: Node, topic: str, dead: int) -> SegueError | None:
    try:
        refuse_namesakes(node)
        if topic:
            refuse_second_publisher(node, topic, dead)
    except SegueError as error:
        return error
    return None


async def call_once_alone(node: Node, client: Client[Any, Any], request: Any) -> Any:
    """The answer of a service that refuses while it is not alone; raises SegueError as `waiting.call`."""
    waited_s = 0.0
    while True:
        try:
            return await call(node, client, request)
        except SegueError as error:
            company = error.code in (ErrorCode.ADDRESS_IN_USE, ErrorCode.CONTROL_FOREIGN_COMMAND)
            if not company or waited_s >= PATIENCE_S:
                raise
            if not waited_s:
                node.get_logger().warning(f"waiting: {error}")
        await until(node, lambda: False, _AGAIN_S)
        waited_s += _AGAIN_S
