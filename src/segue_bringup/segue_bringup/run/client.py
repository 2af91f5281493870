"""The client of RunTask, and of MoveTo: one goal, its lease, its feedback, its cancellation and its result."""

from typing import Any

from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.node import Node
from rclpy.task import Future
from unique_identifier_msgs.msg import UUID

from segue_interfaces.action import RunTask

_RENEW_HZ = 4.0


class TaskClient:
    """Everything happens while the caller spins the node; nothing here waits."""

    def __init__(self, node: Node, action: Any = RunTask, name: str = "segue/run_task") -> None:
        self._client: ActionClient[Any, Any, Any] = ActionClient(node, action, name)
        self._lease = node.create_publisher(UUID, "segue/lease", 10)
        self._timer = node.create_timer(1.0 / _RENEW_HZ, self._renew)
        self._handle: ClientGoalHandle | None = None
        self._cancel_wanted = False
        self.feedback: Any = None
        self.result: Any = None
        self.refused = False

    def available(self) -> bool:
        """Whether the server is there."""
        return bool(self._client.server_is_ready())

    def send(self, goal: Any) -> None:
        """Ask for it."""
        self._client.send_goal_async(goal, self._on_feedback).add_done_callback(self._on_goal)

    def cancel(self) -> None:
        """Ask for a controlled stop; the result still comes."""
        self._cancel_wanted = True
        if self._handle:
            self._handle.cancel_goal_async()

    @property
    def over(self) -> bool:
        """Whether the goal has come to its end."""
        return self.refused or self.result is not None

    def _on_goal(self, future: Future[Any]) -> None:
        self._handle = future.result()
        if self._handle is None or not self._handle.accepted:
            self.refused = True
            return
        self._handle.get_result_async().add_done_callback(self._on_result)
        self._renew()
        if self._cancel_wanted:
            self._handle.cancel_goal_async()

    def _on_feedback(self, message: Any) -> None:
        self.feedback = message.feedback

    def _on_result(self, future: Future[Any]) -> None:
        answer: Any = future.result()
        self.result = answer.result

    def _renew(self) -> None:
        if self._handle and self.result is None:
            self._lease.publish(self._handle.goal_id)
