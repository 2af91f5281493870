"""Gripper positions as goals of an action: one at a time, the newest position wins."""

from typing import Any

from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import JointState

from segue_control.device_topics.dynamic import message_class, set_field
from segue_control.hardware.mapping import Axis
from segue_control.hardware.settings import GripperCommand

_AGAIN_S = 1.0  # a refused goal is sent anew after so long
_ANSWER_S = 2.0  # a goal that is not answered for so long was lost
_CANCEL_S = 2.0  # a server that does not answer a cancel for so long is not waited for


class _Goal:
    """A goal from sending to its end; all in the node's thread."""

    def __init__(self, client: "ActionClient[Any, Any, Any]", goal: Any, began_s: float) -> None:
        self.began_s = began_s
        self.ended = self.refused = False
        self.cancelled_s: float | None = None
        self._handle: ClientGoalHandle[Any, Any, Any] | None = None
        client.send_goal_async(goal).add_done_callback(self._on_answer)

    def cancel(self, now_s: float) -> None:
        """Asks for its end, once; it ends when the server says so."""
        if self.cancelled_s is None:
            self.cancelled_s = now_s
            if self._handle is not None:
                self._handle.cancel_goal_async()

    def fell_through(self, now_s: float) -> bool:
        """Whether the server refused it, or never answered."""
        lost = self._handle is None and not self.ended and now_s - self.began_s > _ANSWER_S
        return self.refused or lost

    def _on_answer(self, answer: "Future[Any]") -> None:
        handle: Any = answer.result()
        if not handle.accepted:
            self.ended = self.refused = True
            return
        self._handle = handle
        handle.get_result_async().add_done_callback(self._on_result)
        if self.cancelled_s is not None:
            handle.cancel_goal_async()

    def _on_result(self, _: "Future[Any]") -> None:
        self.ended = True


class ActionPort:
    """An action: control_msgs' GripperCommand or ParallelGripperCommand, or one of the driver's own.

    Some servers start a thread for every goal, so none is sent beside another: the next one waits for the end of the
    present one, for at most `patience_s`; with `cancel: true` it brings that end about. A goal that fails is over like
    any other: a hand that grasps something does not get to the width that it was told.
    """

    def __init__(self, node: Node, command: GripperCommand, axis: Axis) -> None:
        self._log = node.get_logger()
        self._command, self._axis = command, axis
        self._parallel = command.kind == "parallel_action"
        name = "ParallelGripperCommand" if self._parallel else "GripperCommand"
        self._kind = message_class(command.type or f"control_msgs/action/{name}")
        for field in command.fields:
            set_field(self._kind.Goal(), field, 0.0)  # a missing field is found now
        self._client: ActionClient[Any, Any, Any] = ActionClient(node, self._kind, command.topic)
        self._present: _Goal | None = None
        self._not_before_s = -float("inf")

    def heard(self) -> bool:
        """Whether there is a server."""
        return self._client.server_is_ready()

    def refused(self, now_s: float) -> bool:
        """Whether the server refused what was sent last, or has not answered; said once."""
        if self._present is None or not self._present.fell_through(now_s):
            return False
        done = "refuses" if self._present.refused else "does not answer"
        text = f"{self._command.topic} {done} the gripper's goal; it is sent again"
        self._log.warning(text, throttle_duration_sec=5.0)
        self._present, self._not_before_s = None, now_s + _AGAIN_S
        return True

    def free(self, now_s: float) -> bool:
        """Whether a goal can be sent: the one before is over and there is a server."""
        if self._present is not None and not self._over(self._present, now_s):
            return False
        return now_s >= self._not_before_s and self.heard()

    def _over(self, goal: _Goal, now_s: float) -> bool:
        """Whether somebody who waits for a goal's end may go on."""
        patience_s = self._command.patience_s
        goal.ended = goal.ended or not self.heard()  # goals end with their server
        if goal.ended:
            return True
        if self._command.cancel or now_s - goal.began_s > patience_s:
            goal.cancel(now_s)
        if goal.cancelled_s is None or now_s - goal.cancelled_s < _CANCEL_S:
            return False
        text = (
            f"{self._command.topic}: a goal was cancelled and has not ended; the next one is sent beside it"
        )
        self._log.warning(text, throttle_duration_sec=5.0)
        return True

    def send(self, position: float, now_s: float) -> None:
        """Sends the position as a goal."""
        self._present = _Goal(self._client, self._goal(position), now_s)

    def _goal(self, position: float) -> Any:
        goal, force = self._kind.Goal(), self._command.force_n
        if self._command.fields:
            for field in self._command.fields:
                set_field(goal, field, position)
        elif self._parallel:
            effort = [] if force is None else [force]
            goal.command = JointState(name=[self._axis.theirs], position=[position], effort=effort)
        else:
            goal.command.position = position
            goal.command.max_effort = force or 0.0
        return goal
