"""The client of RunTask, and of MoveTo: one goal, its lease, its feedback, its cancellation and its result."""

from typing import Any

from rclpy.action import ActionClient
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.timer import Timer
from unique_identifier_msgs.msg import UUID

from segue_core.errors import ErrorCode, SchedulerError, SegueError
from segue_interfaces.action import RunTask
from segue_ros import qos
from segue_ros.goals import Goal
from segue_ros.rejections import TOPIC, Reasons

_RENEW_HZ = 4.0
_REASON_S = 1.0  # patience with the reason of a rejection


class TaskClient:
    """Everything happens while the caller spins the node; nothing here waits.

    Args:
        renews: whether the goal's lease is renewed; a client that never does it is not held to it.
    """

    def __init__(
        self, node: Node, action: Any = RunTask, name: str = "segue/run_task", *, renews: bool = True
    ) -> None:
        self._client: ActionClient[Any, Any, Any] = ActionClient(node, action, name, **qos.CROWDED_ACTION)
        self._node = node
        self._lease = node.create_publisher(UUID, "segue/lease", 10)
        self._timer = node.create_timer(1.0 / _RENEW_HZ, self._renew) if renews else None
        self._goal: Goal | None = None
        self._reasons = Reasons(node, self._look_for_reason)
        self._patience: Timer | None = None  # while a rejection has no reason yet
        self.feedback: Any = None
        self.result: Any = None
        self.refused = False

    def available(self) -> bool:
        """Whether the server is there."""
        return bool(self._client.server_is_ready())

    def send(self, goal: Any) -> None:
        """Ask for it; what is known of the goal before is forgotten."""
        self.feedback, self.result, self.refused = None, None, False
        self._goal = Goal(
            self._node, self._client, goal, self._on_result, self._on_refused, self._on_feedback
        )

    def cancel(self) -> None:
        """Ask for a controlled stop; the result still comes."""
        if self._goal:
            self._goal.cancel()

    def why_refused(self) -> SegueError:
        """Why the goal was rejected, as its server said."""
        told = self._reasons.of(bytes(self._goal.id.uuid)) if self._goal else None
        do = f"read why in the server's log, or on {TOPIC}"
        return told or SchedulerError(ErrorCode.SCHEDULER_BAD_INPUT, "the goal was rejected", do=do)

    @property
    def over(self) -> bool:
        """Whether the goal has come to its end."""
        return self.refused or self.result is not None

    def _on_refused(self) -> None:
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._patience = self._node.create_timer(_REASON_S, self._be_refused, clock=steady)
        self._look_for_reason()

    def _look_for_reason(self) -> None:
        if self._patience is not None and self._goal and self._reasons.of(bytes(self._goal.id.uuid)):
            self._be_refused()

    def _be_refused(self) -> None:
        if self._patience is not None:
            self._node.destroy_timer(self._patience)
        self._patience, self.refused = None, True

    def _on_feedback(self, message: Any) -> None:
        self.feedback = message.feedback

    def _on_result(self, result: Any) -> None:
        self.result = result

    def _renew(self) -> None:
        if self._goal and self._goal.accepted and self.result is None:
            self._lease.publish(self._goal.id)
