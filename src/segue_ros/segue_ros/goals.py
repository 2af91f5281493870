"""A goal that does not get lost: it is sent until the server has answered, and its result asked for until it comes.

While discovery is still matching the two ends of a service, a server can take a request and its answer reach nobody.
Sent again under the same id a goal is still one goal: the server refuses it as known, and has a result for it.

    send ... (1 s) send again ... answer: accepted -> result? ... (1 s) result? ... result
                                  answer: refused  -> result? ... unknown to the server: it was refused indeed

A second server of the name, until it finds that it is one too many and ends, knows nothing of an accepted goal either.
"""

import uuid
from collections.abc import Callable
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.task import Future
from unique_identifier_msgs.msg import UUID

from segue_ros import qos
from segue_ros.waiting import ASK_AGAIN_S


def hear_leases(node: Node, renew: Callable[[bytes], None]) -> Any:
    """A subscription that calls `renew` with the id of every goal whose client says that it is still there."""
    return node.create_subscription(
        UUID, "segue/lease", lambda message: renew(bytes(message.uuid)), qos.STATE
    )


class Goal:
    """One goal from its sending to its end, which is exactly one call of `on_result` or `on_refused`.

    Nothing here waits; everything happens while the node spins.

    Args:
        on_result: called with the result message.
        on_refused: called when the server did not accept the goal.
        on_feedback: called with every feedback message.
    """

    def __init__(
        self,
        node: Node,
        client: "ActionClient[Any, Any, Any]",
        goal: Any,
        on_result: Callable[[Any], None],
        on_refused: Callable[[], None],
        on_feedback: Callable[[Any], None] | None = None,
    ) -> None:
        self._node, self._client, self._goal = node, client, goal
        self._on_result, self._on_refused, self._on_feedback = on_result, on_refused, on_feedback
        self.id = UUID(uuid=list(uuid.uuid4().bytes))
        self._handle: ClientGoalHandle | None = None
        self._sent, self._over, self._cancel = 0, False, False
        self._timer = node.create_timer(ASK_AGAIN_S, self._ask, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._ask()

    @property
    def accepted(self) -> bool:
        """Whether the server has taken it."""
        return self._handle is not None

    def cancel(self) -> None:
        """Ask for a cancellation, until the end comes; the result still does."""
        self._cancel = True
        if self._handle is not None:
            self._handle.cancel_goal_async()

    def forget(self) -> None:
        """Ask no more; whatever comes is dropped."""
        if not self._over:
            self._over = True
            self._node.destroy_timer(self._timer)

    def _ask(self) -> None:
        if self._over:
            return
        if self._handle is None:
            self._sent += 1
            sent = self._client.send_goal_async(self._goal, self._on_feedback, goal_uuid=self.id)
            sent.add_done_callback(self._on_answer)
            return
        alone = not self._several_answer()
        self._handle.get_result_async().add_done_callback(lambda answer: self._on_end(answer, alone))
        if self._cancel:
            self._handle.cancel_goal_async()

    def _on_answer(self, future: Future[Any]) -> None:
        handle: ClientGoalHandle | None = future.result()
        if self._over or self._handle is not None or handle is None:
            return
        if not handle.accepted and self._sent == 1:
            self._end(self._on_refused)
            return
        self._handle = handle
        self._ask()

    def _on_end(self, future: Future[Any], alone: bool) -> None:
        """`alone`: whether one server was there when it was asked; the answer of another may come after it is gone."""
        answer: Any = future.result()
        if self._over or answer is None:
            return
        if answer.status != GoalStatus.STATUS_UNKNOWN:
            self._end(lambda: self._on_result(answer.result))
        elif self._handle is None or not self._handle.accepted or (alone and not self._several_answer()):
            self._end(self._on_refused)

    def _several_answer(self) -> bool:
        return int(self._node.count_services(f"{self._client._action_name}/_action/get_result")) > 1

    def _end(self, told: Callable[[], None]) -> None:
        self.forget()
        told()
