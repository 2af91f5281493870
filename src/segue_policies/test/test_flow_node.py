"""A policy node over real topics: what it answers is what its policy says, settings of the method and all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from segue_core.errors import ErrorCode
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_core.schedule import guidance_schedule
from segue_interfaces.action import PredictChunk
from segue_interfaces.msg import Observation as ObservationMsg
from segue_policies.legato.policy import FlowPolicy
from segue_policies.nodes.flow import FlowNode, LegatoNode
from segue_ros import conversions, qos

ROBOT_FILE = Path(__file__).parents[3] / "config" / "robots" / "dual_arm.yaml"
TICK = 5


@pytest.fixture
def context(trained: Path) -> Iterator[None]:
    """ROS with the parameters of a policy node that serves the small trained checkpoint."""
    names = {
        "robot_file": ROBOT_FILE,
        "checkpoint": trained,
        "autostart": "false",
        "observation_timeout_s": 5.0,
    }
    given = [word for name, value in names.items() for word in ("-p", f"{name}:={value}")]
    rclpy.init(args=["test", "--ros-args", *given], domain_id=100 + os.getpid() % 100)
    yield
    rclpy.shutdown()


def spin(executor: SingleThreadedExecutor, done: Callable[[], bool]) -> None:
    """Spin until `done`, or give up after some thousand turns."""
    for _ in range(4000):
        if done():
            return
        executor.spin_once(timeout_sec=0.005)
    raise AssertionError("nothing came")


def ask(node: LegatoNode, observation: Observation, *requests: PredictRequest) -> list[Any]:
    """Answers of the node to `requests`, one after the other; the observation is published beside them."""
    peer, executor = Node("scheduler"), SingleThreadedExecutor()
    executor.add_node(node)
    executor.add_node(peer)
    client: Any = ActionClient(peer, PredictChunk, "/segue/predict_chunk")
    publisher = peer.create_publisher(ObservationMsg, "/segue/observation", qos.OBSERVATION)
    spin(executor, lambda: client.server_is_ready() and publisher.get_subscription_count() > 0)
    stamp, space = peer.get_clock().now().to_msg(), node._policy.info.action_space
    stamps = dict.fromkeys(observation.images, stamp)
    publisher.publish(conversions.observation_to_msg(observation, space, stamp, stamps, 0.0))
    answers = []
    for request in requests:
        goal = client.send_goal_async(conversions.goal_to_msg(request))
        spin(executor, goal.done)
        result = goal.result().get_result_async()
        spin(executor, result.done)
        answers.append(result.result().result)
    node.end()
    node.destroy_node()
    peer.destroy_node()
    return answers


@pytest.mark.usefixtures("context")
def test_the_answer_over_ros_is_the_policy_s_own(trained: Path, dots: Any) -> None:
    images = dict(zip(dots.cameras, np.asarray(dots.images[7]), strict=True))
    observation = Observation(TICK, np.asarray(dots.state[7]), images)
    reference = np.tile(observation.state, (20, 1)).astype(np.float32)

    def request(method: str, **options: float) -> PredictRequest:
        omega = guidance_schedule(20, 4, 6)
        return PredictRequest(observation, TICK, 1, method, omega, reference, 4, 3, options)

    requests = [
        request("rtc", max_guidance_weight=2.0),
        request("bidirectional", candidates=3),
        request("legato"),
    ]
    node = LegatoNode()
    node.trigger_configure()
    node.trigger_activate()
    *answers, refused = ask(node, observation, *requests, request("one_shot"))
    policy = FlowPolicy.load(trained)
    for sent, got in zip(requests, answers, strict=True):
        assert got.error_code == 0, got.error_text
        chunk = conversions.chunk_from_msg(got.chunk, policy.info.action_space)
        assert chunk.actions.tobytes() == policy.predict(sent).chunk.actions.tobytes()
    assert refused.error_code == ErrorCode.POLICY_UNSUPPORTED_METHOD
    assert "one_shot" in refused.error_text


@pytest.mark.usefixtures("context")
def test_a_node_of_another_objective_does_not_configure() -> None:
    node = FlowNode()
    node.trigger_configure()
    assert not hasattr(node, "_policy")
    assert "expected flow" in str(node.failure or node._refusal)
    node.destroy_node()
