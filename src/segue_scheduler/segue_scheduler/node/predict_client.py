"""Asks the policy node for chunks. Every request ends in exactly one call, an answer or a failure, after its parts."""

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
        on_chunk: called with the chunk of a good answer, and before it with each part of one that is streamed.
        on_failure: called with one sentence for a request that failed; not for one that was given up.
    """

    def __init__(
        self, node: Node, on_chunk: Callable[[ActionChunk], None], on_failure: Callable[[str], None]
    ) -> None:
        self._node = node
        self._client: ActionClient[Any, Any, Any] = ActionClient(node, PredictChunk, "segue/predict_chunk")
        self._on_chunk, self._on_failure = on_chunk, on_failure
        self._goals: dict[int, Goal] = {}
        self._given_up: set[int] = set()

    def ready(self) -> bool:
        """Whether a policy node is there."""
        return bool(self._client.server_is_ready())

    def ask(self, goal: PredictChunk.Goal) -> None:
        """Send a request; returns at once."""
        if not self.ready():
            self._on_failure(f"[{int(ErrorCode.POLICY_NOT_READY)}] no policy node offers segue/predict_chunk")
            return
        if len(self._goals) == _AT_ONCE:  # a policy node that hangs
            oldest = min(self._goals)
            self._goals[oldest].forget()
            self._settle(oldest)
        sequence = int(goal.sequence)
        refused = f"[{int(ErrorCode.POLICY_NOT_READY)}] the policy node refused the request"
        self._goals[sequence] = Goal(
            self._node,
            self._client,
            goal,
            on_result=lambda result: self._on_result(sequence, result),
            on_refused=lambda: self._fail(sequence, refused),
            on_feedback=lambda message: self._on_part(sequence, message.feedback.partial),
        )

    def give_up_all_but(self, awaited: int | None) -> None:
        """Nobody waits for other answers any more: a policy that streams them may stop."""
        for sequence in self._goals.keys() - self._given_up - {awaited}:
            self._give_up(sequence)

    def destroy(self) -> None:
        """Give up the client; answers still on their way are dropped."""
        for goal in self._goals.values():
            goal.forget()
        self._goals.clear()
        self._client.destroy()

    def _give_up(self, sequence: int) -> None:
        self._given_up.add(sequence)
        self._goals[sequence].cancel()

    def _on_part(self, sequence: int, part: ActionChunk) -> None:
        if sequence not in self._goals or sequence in self._given_up:
            return  # overtaken by the result, which has every row; or not waited for
        if part.sequence == sequence:
            self._on_chunk(part)
            return
        self._give_up(sequence)
        self._on_failure(_of_another(f"a part of the answer to request {sequence}", part))

    def _on_result(self, sequence: int, result: PredictChunk.Result) -> None:
        if result.error_code:
            self._fail(sequence, f"[{result.error_code}] {result.error_text}")
        elif result.chunk.sequence != sequence:  # nothing else will come for this request
            self._fail(sequence, _of_another(f"the answer to request {sequence}", result.chunk))
        else:
            self._settle(sequence)
            self._on_chunk(result.chunk)

    def _fail(self, sequence: int, text: str) -> None:
        if sequence not in self._given_up:
            self._on_failure(text)
        self._settle(sequence)

    def _settle(self, sequence: int) -> None:
        self._goals.pop(sequence, None)
        self._given_up.discard(sequence)


def _of_another(what: str, chunk: ActionChunk) -> str:
    return f"[{int(ErrorCode.CHUNK_WRONG_START)}] {what} is one to request {chunk.sequence}"
