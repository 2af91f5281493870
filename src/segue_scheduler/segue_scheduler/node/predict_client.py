"""Asks the policy node for chunks. Every request ends in exactly one call: an answer or a failure."""

from collections.abc import Callable
from typing import Any

from rclpy.action import ActionClient
from rclpy.node import Node

from segue_core.errors import ErrorCode
from segue_interfaces.action import PredictChunk
from segue_interfaces.msg import ActionChunk
from segue_ros.goals import Goal

_AT_ONCE = 8  # requests whose answers are waited for


class PredictClient:
    """The client of /segue/predict_chunk.

    Args:
        on_chunk: called with the chunk of a good answer.
        on_failure: called with one sentence for a request that failed.
    """

    def __init__(
        self, node: Node, on_chunk: Callable[[ActionChunk], None], on_failure: Callable[[str], None]
    ) -> None:
        self._node = node
        self._client: ActionClient[Any, Any, Any] = ActionClient(node, PredictChunk, "segue/predict_chunk")
        self._on_chunk, self._on_failure = on_chunk, on_failure
        self._goals: dict[int, Goal] = {}
        self.pending: int | None = None

    def ready(self) -> bool:
        """Whether a policy node is there."""
        return bool(self._client.server_is_ready())

    def ask(self, goal: PredictChunk.Goal) -> None:
        """Send a request; returns at once."""
        if not self.ready():
            self._on_failure(f"[{int(ErrorCode.POLICY_NOT_READY)}] no policy node offers segue/predict_chunk")
            return
        if len(self._goals) == _AT_ONCE:  # a policy node that hangs
            self._goals.pop(min(self._goals)).forget()
        sequence = self.pending = int(goal.sequence)
        refused = f"[{int(ErrorCode.POLICY_NOT_READY)}] the policy node refused the request"
        self._goals[sequence] = Goal(
            self._node,
            self._client,
            goal,
            on_result=lambda result: self._on_result(sequence, result),
            on_refused=lambda: self._fail(sequence, refused),
        )

    def destroy(self) -> None:
        """Give up the client; answers still on their way are dropped."""
        for goal in self._goals.values():
            goal.forget()
        self._goals.clear()
        self._client.destroy()

    def _on_result(self, sequence: int, result: PredictChunk.Result) -> None:
        if result.error_code:
            self._fail(sequence, f"[{result.error_code}] {result.error_text}")
            return
        if result.chunk.sequence != sequence:  # nothing else will come for this request
            text = f"the answer to request {sequence} is one to request {result.chunk.sequence}"
            self._fail(sequence, f"[{int(ErrorCode.CHUNK_WRONG_START)}] {text}")
            return
        self._settle(sequence)
        self._on_chunk(result.chunk)

    def _fail(self, sequence: int, text: str) -> None:
        self._settle(sequence)
        self._on_failure(text)

    def _settle(self, sequence: int) -> None:
        self._goals.pop(sequence, None)
        if self.pending == sequence:
            self.pending = None
