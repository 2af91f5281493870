"""A wire in a test's hands: a topic of the simulator reaches the graph through it, as it is or spoilt."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from rclpy.node import Node

from segue_ros import qos

Spoil = Callable[[Any], Iterable[Any]]
"""What is passed on of a message that came."""
UPSTREAM = "upstream/"  # before the names of topics that are relayed, at the simulator's end


def untouched(message: Any) -> Iterable[Any]:
    """What comes."""
    return (message,)


def silent(_: Any) -> Iterable[Any]:
    """Nothing: the plug is pulled."""
    return ()


class Relay:
    """Carries the topic `upstream/TOPIC` to `TOPIC`. `spoil` says what is sent for a message that came.

    Attributes:
        came: messages since `spoil` was set.
        sent: messages passed on since then.
    """

    def __init__(self, node: Node, topic: str, kind: type) -> None:
        self._spoil: Spoil = untouched
        self.came = self.sent = 0
        self._out = node.create_publisher(kind, topic, qos.JOINT_SOURCE)
        node.create_subscription(kind, f"{UPSTREAM}{topic}", self._on_message, qos.JOINT_SOURCE)

    @property
    def spoil(self) -> Spoil:
        """What becomes of messages."""
        return self._spoil

    @spoil.setter
    def spoil(self, spoil: Spoil) -> None:
        self.came = self.sent = 0
        self._spoil = spoil

    def _on_message(self, message: Any) -> None:
        self.came += 1
        for spoilt in self._spoil(message):
            self.sent += 1
            self._out.publish(spoilt)


def changed(**fields: Any) -> Spoil:
    """Messages with other values in these fields; a function is given the message and says the value."""

    def spoil(message: Any) -> Iterable[Any]:
        spoilt = deepcopy(message)
        for name, value in fields.items():
            setattr(spoilt, name, value(message) if callable(value) else value)
        return (spoilt,)

    return spoil
