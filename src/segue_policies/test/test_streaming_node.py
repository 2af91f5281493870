"""A policy node that streams, over real topics: parts come before the answer, and it can be stopped."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from policy_rig import peer_of, ros_with
from spinning import spin_until
from test_decoding import ROWS, Dripping

from segue_core.action_space import DUAL_ARM_EE
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ErrorCode
from segue_core.policy import ChunkRequest, Policy, PredictRequest, PredictResult
from segue_policies.node.policy import PolicyNode, PolicyParameters
from segue_ros import conversions


class Told(Dripping):
    """Gives the next part when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Semaphore(0)

    def stream(self, request: PredictRequest) -> Iterator[PredictResult]:
        """One part for each `go`."""
        for part in super().stream(request):
            assert self.go.acquire(timeout=60.0)
            yield part


class StreamingNode(PolicyNode):
    """Serves it without waiting for observations."""

    looks = False

    def load(self, given: PolicyParameters, robot: RobotConfig) -> Policy:
        """Nothing to load; the node's warming up takes all parts at once."""
        self.served = Told()
        self.served.go.release(ROWS // self.served.step)
        return self.served


@pytest.fixture(autouse=True)
def context() -> Iterator[None]:
    """ROS with the parameters of a policy node."""
    with ros_with():
        yield


def _goal() -> Any:
    zeros = np.zeros((ROWS, DUAL_ARM_EE.dim), np.float32)
    return conversions.goal_to_msg(ChunkRequest(0, 0, "plain", zeros[:, 0], zeros, 0, 0), run_id="run")


def test_parts_come_as_feedback_while_the_policy_decodes_on() -> None:
    with peer_of(StreamingNode) as (node, executor, client):
        heard: list[tuple[int, bool]] = []

        def hear(message: Any) -> None:
            part = message.feedback.partial
            heard.append((int(part.horizon), bool(part.partial)))

        sent = client.send_goal_async(_goal(), hear)
        for index, rows in enumerate((4, 8)):
            node.served.go.release()
            spin_until(executor, lambda count=index + 1: len(heard) == count)
            assert heard[-1] == (rows, True)
        node.served.go.release()
        spin_until(executor, sent.done)
        result = sent.result().get_result_async()
        spin_until(executor, result.done)
        chunk = result.result().result.chunk
        assert (int(chunk.horizon), bool(chunk.partial)) == (ROWS, False)
        assert len(heard) == 2


def test_cancelling_stops_the_decoding_and_the_next_request_is_answered() -> None:
    with peer_of(StreamingNode) as (node, executor, client):
        sent = client.send_goal_async(_goal())
        spin_until(executor, sent.done)
        cancelled = sent.result().cancel_goal_async()
        spin_until(executor, cancelled.done)
        node.served.go.release()
        result = sent.result().get_result_async()
        spin_until(executor, result.done)
        answer = result.result().result
        assert answer.error_code == ErrorCode.POLICY_CANCELLED and "4 rows" in answer.error_text
        node.served.go.release(3)
        again = client.send_goal_async(_goal())
        spin_until(executor, again.done)
        result = again.result().get_result_async()
        spin_until(executor, result.done)
        assert result.result().result.error_code == 0
