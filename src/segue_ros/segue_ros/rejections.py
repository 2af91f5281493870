"""Why a goal was rejected. ROS's own answer is a bare no; the reason is told beside it, under the goal's id.

client    goal 4f... -----------> server     judges it
          no         <-----------
          4f...: [601] task ... <-- segue/rejected, latched: `ros2 topic echo /segue/rejected` shows the last ones
"""

from collections.abc import Callable
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.node import Node

from segue_core.errors import ErrorCode, SegueError, clipped, told_code
from segue_ros import qos

TOPIC = "segue/rejected"
_CODE = "error_code"
_LONGEST = 2000  # letters of a reason
_KEPT = 100  # reasons
_ASKED_FOR_S = (
    60  # a goal that is over; of 10 s, as is usual, some clients have heard nothing on a busy machine
)


def _agree(_: Any) -> CancelResponse:
    return CancelResponse.ACCEPT


class TellingServer(ActionServer):
    """An action server that says why it rejects a goal, on `TOPIC` and in the log, and that many may ask at once.

    Args:
        execute: carries a goal out, as rclpy wants it.
        judge: raises SegueError for a goal that can never be done.
    """

    def __init__(
        self,
        node: Node,
        action: Any,
        name: str,
        execute: Any,
        judge: Callable[[Any], None],
        **more: Any,
    ) -> None:
        self._judge, self._asked, self._teller = judge, b"", node
        self._reasons = node.create_publisher(DiagnosticStatus, TOPIC, qos.REASONS)
        self._called = node.resolve_service_name(name)
        super().__init__(
            node,
            action,
            name,
            execute,
            goal_callback=self._on_goal,
            cancel_callback=_agree,
            result_timeout=_ASKED_FOR_S,
            **{**qos.CROWDED_ACTION, **more},
        )

    def destroy(self) -> None:
        """Serve no more."""
        self._teller.destroy_publisher(self._reasons)
        super().destroy()

    async def _execute_goal_request(self, request: Any) -> None:
        self._asked = bytes(request[1].goal_id.uuid)  # rclpy does not tell it the callback
        await super()._execute_goal_request(request)

    def _on_goal(self, goal: Any) -> GoalResponse:
        try:
            self._judge(goal)
        except SegueError as error:
            self._teller.get_logger().error(f"goal rejected: {error}")
            self._reasons.publish(self._word(error))
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _word(self, error: SegueError) -> DiagnosticStatus:
        code = KeyValue(key=_CODE, value=str(int(error.code)))
        return DiagnosticStatus(
            level=DiagnosticStatus.ERROR, name=self._called, message=error.advised, hardware_id=self._asked.hex(),
            values=[code],
        )  # fmt: skip


class Reasons:
    """What servers said of the goals that they rejected; `on_reason` is called with every word."""

    def __init__(self, node: Node, on_reason: Callable[[], None]) -> None:
        self._on_reason = on_reason
        self._heard: dict[str, SegueError] = {}
        node.create_subscription(DiagnosticStatus, TOPIC, self._on_word, qos.REASONS)

    def of(self, goal_id: bytes) -> SegueError | None:
        """Why this goal was rejected, if that was told."""
        return self._heard.get(goal_id.hex())

    def _on_word(self, word: Any) -> None:
        told = {pair.key: pair.value for pair in word.values}.get(_CODE, "")
        code = told_code(
            int(told) if told.isdecimal() and len(told) < 5 else 0, ErrorCode.SCHEDULER_BAD_INPUT
        )
        text = f"the goal was rejected by {clipped(word.name, 100)}: {clipped(word.message, _LONGEST)}"
        self._heard = {
            word.hardware_id: SegueError(code, text),
            **dict(list(self._heard.items())[: _KEPT - 1]),
        }
        self._on_reason()
