"""A planned move as `segue move` does it: with a graph of its own, or with one that runs."""

import time
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from segue_bringup.run.client import TaskClient
from segue_bringup.run.episode import STOP_ARM_S, Ending, Episode, why
from segue_bringup.run.interrupts import Interrupts
from segue_core.errors import ConfigError, ErrorCode
from segue_interfaces.action import MoveTo

_ACTION = "segue/move"
_SERVER_S = 10.0


class MoveEpisode(Episode):
    """Start the graph, wait until it is ready, move, stop the graph."""

    def make_client(self, node: Node) -> TaskClient:
        """The client of the mover."""
        return TaskClient(node, MoveTo, _ACTION)

    def show_feedback(self, told: Any) -> None:
        """Phase and part that is done."""
        self.shown.phase, self.shown.progress = told.phase, told.progress


def ask_running(
    goal: MoveTo.Goal, timeout_s: float, interrupts: Interrupts, namespace: str = ""
) -> tuple[Ending, MoveTo.Result | None]:
    """Send the goal to the mover on this ROS domain. One that is not done in time, or not wanted, is cancelled first.

    Raises:
        ConfigError: nobody offers planned moves here, or the goal was refused.
    """
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node("segue_move", namespace=f"/{namespace}")
    try:
        return _Asking(node, interrupts, time.monotonic() + timeout_s).ask(goal)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


class _Asking:
    def __init__(self, node: Node, interrupts: Interrupts, end_s: float) -> None:
        self._node, self._interrupts, self._end_s = node, interrupts, end_s
        self._client = TaskClient(node, MoveTo, _ACTION)

    def ask(self, goal: MoveTo.Goal) -> tuple[Ending, MoveTo.Result | None]:
        client = self._client
        if not self._spin(client.available, min(self._end_s, time.monotonic() + _SERVER_S)):
            if self._interrupts.count:
                return why(self._interrupts), None
            action = self._node.resolve_service_name(_ACTION)
            text, do = (
                f"nobody offers {action} on this ROS domain",
                "start the graph with planned_moves:=true",
            )
            raise ConfigError(ErrorCode.PROCESS_FAILED, text, do=do)
        client.send(goal)
        done = False
        try:
            done = self._spin(lambda: client.over, self._end_s)
        finally:  # whatever it was
            if not done:
                self._stop()
        if client.refused:
            raise client.why_refused()
        return Ending.RESULT if done else why(self._interrupts), client.result

    def _spin(self, condition: Callable[[], bool], end_s: float) -> bool:
        while not condition():
            if self._interrupts.count or time.monotonic() > end_s:
                return False
            rclpy.spin_once(self._node, timeout_sec=0.1)
        return True

    def _stop(self) -> None:
        """Cancel, and wait for the end that the mover tells, however often one is interrupted."""
        self._client.cancel()
        end_s = time.monotonic() + STOP_ARM_S
        while not self._client.over and time.monotonic() < end_s:
            rclpy.spin_once(self._node, timeout_sec=0.1)
