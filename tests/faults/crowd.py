"""Many clients that want a task at the same moment, in a process of their own: `python -m tests.faults.crowd COUNT`.

They use the services that an action is made of. Every client hears all answers of a service, and keeps so many that its
own is not lost among them. An answer is lost where discovery has not matched its way back yet, so who has none after
two seconds, then four, asks again, and is counted. Prints a line of JSON about those who were refused, then cancels the
task of the one who was not and prints its outcome.
"""

import json
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import rclpy
from action_msgs.msg import GoalInfo
from action_msgs.srv import CancelGoal
from rclpy.node import Node
from unique_identifier_msgs.msg import UUID

from segue_interfaces.action import RunTask
from segue_ros import qos
from segue_ros.executor import NodeExecutor

_PATIENCE_S = 60.0
_AGAIN_S, _TRIES = 2.0, 5  # twice as long every time: fifty that ask again are work for a busy machine, too
_ACTION = "segue/run_task/_action"


class Client:
    """One goal, and when its result came."""

    def __init__(self, node: Node) -> None:
        self._sending: Any = node.create_client(
            RunTask.Impl.SendGoalService, f"{_ACTION}/send_goal", qos_profile=qos.CROWDED
        )
        self._asking: Any = node.create_client(
            RunTask.Impl.GetResultService, f"{_ACTION}/get_result", qos_profile=qos.CROWDED
        )
        self.id = UUID(uuid=list(uuid.uuid4().bytes))
        self.result: Any = None
        self.answered_s = 0.0
        self.asked = 0

    def ready(self) -> bool:
        """Whether the server is there."""
        return bool(self._sending.service_is_ready() and self._asking.service_is_ready())

    def send(self) -> None:
        """Ask for the task, and then for its result. Asked again it is still one goal."""
        self.asked += 1
        request = RunTask.Impl.SendGoalService.Request(goal_id=self.id, goal=RunTask.Goal(seed=1))
        self._sending.call_async(request).add_done_callback(self._on_taken)

    def _on_taken(self, _: Any) -> None:
        request = RunTask.Impl.GetResultService.Request(goal_id=self.id)
        self._asking.call_async(request).add_done_callback(self._on_result)

    def _on_result(self, future: Any) -> None:
        self.result, self.answered_s = future.result().result, time.monotonic()


def main() -> None:
    """Ask all at once."""
    rclpy.init()
    node = rclpy.create_node("crowd")
    executor = NodeExecutor()
    executor.add_node(node)
    clients = [Client(node) for _ in range(int(sys.argv[1]))]
    cancelling: Any = node.create_client(CancelGoal, f"{_ACTION}/cancel_goal")

    def until(condition: Callable[[], bool], limit_s: float = _PATIENCE_S) -> None:
        end = time.monotonic() + limit_s
        while not condition() and time.monotonic() < end:
            executor.spin_once(timeout_sec=0.1)

    until(lambda: all(client.ready() for client in clients) and cancelling.service_is_ready())
    until(lambda: False, 3.0)  # the server finds everybody, too
    asked_s = time.monotonic()
    while (
        len(waiting := [client for client in clients if client.result is None]) > 1
        and waiting[0].asked < _TRIES
    ):
        for client in waiting:
            client.send()
        until(
            lambda: sum(client.result is not None for client in clients) >= len(clients) - 1,
            _AGAIN_S * 2 ** (waiting[0].asked - 1),
        )
    refused = [client for client in clients if client.result is not None]
    told = {
        "refused": len(refused),
        "codes": sorted({int(client.result.error_code) for client in refused}),
        "texts": sorted({client.result.error_text for client in refused}),
        "asked_again": sum(client.asked > 1 for client in refused),
        "longest_s": max(client.answered_s for client in refused) - asked_s,
    }
    print(json.dumps(told), flush=True)
    owner = next(client for client in clients if client.result is None)
    until(lambda: False, 3.0)  # it moves
    cancelling.call_async(CancelGoal.Request(goal_info=GoalInfo(goal_id=owner.id)))
    until(lambda: owner.result is not None)
    print(json.dumps({"outcome": owner.result.outcome}), flush=True)


if __name__ == "__main__":
    main()
