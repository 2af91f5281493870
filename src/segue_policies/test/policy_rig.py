"""A policy node and a scheduler's side of it, over real topics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import rclpy
from own_domain import own_domain
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from spinning import spin_until

from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_interfaces.action import PredictChunk
from segue_interfaces.msg import Observation as ObservationMsg
from segue_policies.node.policy import PolicyNode
from segue_ros import conversions, qos

NodeT = TypeVar("NodeT", bound=PolicyNode)
ROBOT_FILE = Path(__file__).parents[3] / "config" / "robots" / "dual_arm.yaml"


@contextmanager
def ros_with(**parameters: object) -> Iterator[None]:
    """ROS with the parameters of a policy node of the dual arm."""
    names = {"robot_file": ROBOT_FILE, "autostart": "false", "observation_timeout_s": 5.0} | parameters
    given = [word for name, value in names.items() for word in ("-p", f"{name}:={value}")]
    rclpy.init(args=["test", "--ros-args", *given], domain_id=own_domain())
    yield
    rclpy.shutdown()


@contextmanager
def peer_of(kind: type[NodeT]) -> Iterator[tuple[NodeT, SingleThreadedExecutor, Any]]:
    """An active policy node, the executor that spins it, and a client of its action on another node."""
    node, peer, executor = kind(), Node("scheduler"), SingleThreadedExecutor()
    node.trigger_configure()
    node.trigger_activate()
    executor.add_node(node)
    executor.add_node(peer)
    client: Any = ActionClient(peer, PredictChunk, "/segue/predict_chunk")
    spin_until(executor, client.server_is_ready)
    yield node, executor, client
    node.end()
    node.destroy_node()
    peer.destroy_node()


def ask(node: PolicyNode, observation: Observation, *requests: PredictRequest) -> list[Any]:
    """Answers of the node to `requests`, one after the other; the observation is published beside them."""
    peer, executor = Node("scheduler"), SingleThreadedExecutor()
    executor.add_node(node)
    executor.add_node(peer)
    client: Any = ActionClient(peer, PredictChunk, "/segue/predict_chunk")
    publisher = peer.create_publisher(ObservationMsg, "/segue/observation", qos.OBSERVATION)
    spin_until(executor, lambda: client.server_is_ready() and publisher.get_subscription_count() > 0)
    stamp, space = peer.get_clock().now().to_msg(), node._policy.info.action_space
    stamps = dict.fromkeys(observation.images, stamp)
    publisher.publish(conversions.observation_to_msg(observation, space, stamp, stamps, 0.0))
    answers = []
    for request in requests:
        goal = client.send_goal_async(conversions.goal_to_msg(request, instruction=request.instruction))
        spin_until(executor, goal.done)
        result = goal.result().get_result_async()
        spin_until(executor, result.done)
        answers.append(result.result().result)
    node.end()
    node.destroy_node()
    peer.destroy_node()
    return answers
