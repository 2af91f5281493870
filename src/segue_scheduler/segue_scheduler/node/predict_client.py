"""Asks the policy node for chunks. Every request ends in exactly one call: an answer or a failure."""

from collections.abc import Callable
from typing import Any

from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.task import Future

from segue_core.errors import ErrorCode
from segue_interfaces.action import PredictChunk
from segue_interfaces.msg import ActionChunk


class PredictClient:
    """The client of /segue/predict_chunk.

    Args:
        on_chunk: called with the chunk of a good answer.
        on_failure: called with one sentence for a request that failed.
    """

    def __init__(
        self, node: Node, on_chunk: Callable[[ActionChunk], None], on_failure: Callable[[str], None]
    ) -> None:
        self._client: ActionClient[Any, Any, Any] = ActionClient(node, PredictChunk, "segue/predict_chunk")
        self._on_chunk, self._on_failure = on_chunk, on_failure
        self.pending: int | None = None

    def ready(self) -> bool:
        """Whether a policy node is there."""
        return bool(self._client.server_is_ready())

    def ask(self, goal: PredictChunk.Goal) -> None:
        """Send a request; returns at once."""
        if not self.ready():
            self._on_failure(
                f"[{int(ErrorCode.POLICY_NOT_READY)}] no policy node offers /segue/predict_chunk"
            )
            return
        self.pending = int(goal.sequence)
        self._client.send_goal_async(goal).add_done_callback(self._on_goal)

    def destroy(self) -> None:
        """Give up the client; answers still on their way are dropped."""
        self._client.destroy()

    def _on_goal(self, future: Future[Any]) -> None:
        handle = future.result()
        if handle is None or not handle.accepted:
            self._fail(f"[{int(ErrorCode.POLICY_NOT_READY)}] the policy node refused the request")
            return
        handle.get_result_async().add_done_callback(self._on_result)

    def _on_result(self, future: Future[Any]) -> None:
        answer = future.result()
        if answer is None:
            self._fail(f"[{int(ErrorCode.POLICY_FAILED)}] the policy node gave no result")
            return
        result = answer.result
        if result.error_code:
            self._fail(f"[{result.error_code}] {result.error_text}")
            return
        self._settle(int(result.chunk.sequence))
        self._on_chunk(result.chunk)

    def _fail(self, text: str) -> None:
        self.pending = None
        self._on_failure(text)

    def _settle(self, sequence: int) -> None:
        if self.pending == sequence:
            self.pending = None
