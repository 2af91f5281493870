"""A planned move as `segue move` does it: with a graph of its own, or with one that runs."""

import time
from typing import Any

import rclpy
from rclpy.node import Node

from segue_bringup.run.client import TaskClient
from segue_bringup.run.episode import Episode
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
        self.progress.phase, self.progress.progress = told.phase, told.progress


def ask_running(goal: MoveTo.Goal, timeout_s: float, namespace: str = "") -> MoveTo.Result | None:
    """Send the goal to the mover on this ROS domain; None when it is not done in time, and then it is cancelled.

    Raises:
        ConfigError: nobody offers planned moves here, or the goal was refused.
    """
    rclpy.init()
    node = rclpy.create_node("segue_move", namespace=f"/{namespace}")
    try:
        return _ask(node, TaskClient(node, MoveTo, _ACTION), goal, time.monotonic() + timeout_s)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def _ask(node: Node, client: TaskClient, goal: MoveTo.Goal, end_s: float) -> MoveTo.Result | None:
    server_end_s = min(end_s, time.monotonic() + _SERVER_S)
    while not client.available():
        if time.monotonic() > server_end_s:
            action = node.resolve_service_name(_ACTION)
            text = f"nobody offers {action} on this ROS domain; start the graph with planned_moves:=true"
            raise ConfigError(ErrorCode.PROCESS_FAILED, text)
        rclpy.spin_once(node, timeout_sec=0.1)
    client.send(goal)
    try:
        while not client.over and time.monotonic() < end_s:
            rclpy.spin_once(node, timeout_sec=0.1)
    finally:
        if not client.over:
            client.cancel()
            rclpy.spin_once(node, timeout_sec=0.5)
    if client.refused:
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, "the mover rejected the goal; its log says why")
    return client.result
