"""Measured joints from a driver's messages."""

from collections.abc import Callable, Mapping
from typing import Any

from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import JointState

from segue_control.device_topics.dynamic import get_field, message_class
from segue_control.hardware.settings import StateTopic
from segue_ros import qos

Take = Callable[[Mapping[str, float]], None]


def subscribe(node: Node, topic: StateTopic, take: Take) -> "Subscription[Any]":
    """Calls `take` with positions [rad] by the driver's names for every message of the topic.

    Raises:
        ConfigError: the message type is not installed, or it has not the fields that are named.
    """
    kind = message_class(topic.type)
    if kind is JointState:
        return node.create_subscription(kind, topic.topic, lambda m: take(_joint_state(m, topic)), qos.SENSOR)
    _fields(kind(), topic)  # a field that is not there is found now
    return node.create_subscription(kind, topic.topic, lambda m: take(_fields(m, topic)), qos.SENSOR)


def _joint_state(message: JointState, topic: StateTopic) -> dict[str, float]:
    if len(message.position) != len(message.name):
        return {}
    return {name: topic.scale * value for name, value in zip(message.name, message.position, strict=True)}


def _fields(message: Any, topic: StateTopic) -> dict[str, float]:
    return {name: topic.scale * float(get_field(message, path)) for name, path in topic.fields.items()}
