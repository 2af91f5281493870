"""A subscription that nobody is woken for: what came is taken when there is time for it.

An executor pays about half a millisecond for every message that it is woken for, so a node that shows joint states
thirty times a second should not be woken for all 120 of them.
"""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile

MessageT = TypeVar("MessageT")


class _Never(CallbackGroup):
    """Keeps its entities out of the executor's wait set."""

    def can_execute(self, entity: Any) -> bool:
        return False

    def beginning_execution(self, entity: Any) -> bool:
        return False

    def ending_execution(self, entity: Any) -> None:
        pass


class Polled(Generic[MessageT]):
    """The newest messages of a topic, as many as its QoS keeps; use it in the node's own thread."""

    def __init__(self, node: Node, kind: type[MessageT], topic: str, profile: QoSProfile) -> None:
        self._node, self._kind = node, kind
        self._subscription: Any = node.create_subscription(
            kind, topic, lambda _: None, profile, callback_group=_Never()
        )

    def take(self) -> Iterator[MessageT]:
        """What came since the last call, oldest first."""
        with self._subscription.handle:
            while (taken := self._subscription.handle.take_message(self._kind, False)) is not None:
                yield taken[0]

    def destroy(self) -> None:
        """Listen no more."""
        self._node.destroy_subscription(self._subscription)
