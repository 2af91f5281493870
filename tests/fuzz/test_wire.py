"""Bytes that are no message, from a publisher that lies about its type, end no node: the next real one is heard."""

from collections.abc import Iterator

import pytest
import rclpy
from own_domain import own_domain
from rclpy.node import Node
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState
from spinning import spin_until

from segue_interfaces.msg import Observation, PolicyInfo
from segue_ros import qos
from segue_ros.executor import NodeExecutor

SENTINEL = 4242


@pytest.fixture
def nodes() -> Iterator[tuple[Node, Node, NodeExecutor]]:
    rclpy.init(args=["test"], domain_id=own_domain())
    listener, liar = Node("listener"), Node("liar")
    executor = NodeExecutor()
    executor.add_node(listener)
    yield listener, liar, executor
    for node in (listener, liar):
        node.destroy_node()
    rclpy.shutdown()


@pytest.mark.parametrize("kind", [JointState, Observation, PolicyInfo])
def test_bytes_that_are_no_message_are_dropped(kind: type, nodes: tuple[Node, Node, NodeExecutor]) -> None:
    listener, liar, executor = nodes
    heard: list[int] = []
    listener.create_subscription(kind, "said", lambda m: heard.append(m.header.stamp.sec), qos.STATE)
    out = liar.create_publisher(kind, "said", qos.STATE)
    spin_until(executor, lambda: out.get_subscription_count() > 0)
    whole = serialize_message(kind())
    huge = whole[:16] + b"\xff\xff\xff\x7f" + whole[20:]
    for data in (whole[:5], whole[: len(whole) // 2], b"\x00\x01\x00\x00" + b"\xff" * 64, huge):
        out.publish(data)
    last = kind()
    last.header.stamp.sec = SENTINEL
    out.publish(last)
    spin_until(executor, lambda: SENTINEL in heard)
