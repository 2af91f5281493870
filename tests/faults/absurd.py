"""Somebody who asks for what can never be done, many times at once: `python -m tests.faults.absurd COUNT`.

Prints a line when it begins, and one of JSON: how many were refused, and told why, and when the last was told.
"""

import json
import sys
import time
import uuid
from collections.abc import Iterable
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticStatus
from unique_identifier_msgs.msg import UUID

from segue_interfaces.action import RunTask
from segue_ros import qos
from segue_ros.executor import NodeExecutor
from segue_ros.rejections import TOPIC

_PATIENCE_S = 60.0
_FINDING_S = 2.0
_WISHES: tuple[dict[str, Any], ...] = (
    {"seed": -1}, {"time_limit_s": -1.0}, {"time_limit_s": float("nan")}, {"task": "no_such_task"},
    {"instruction": "x" * 100_000}, {"continuation": "no_such_rule"}, {"policy": "no_such_policy"},
)  # fmt: skip


def _goals(count: int) -> Iterable[Any]:
    for number in range(count):
        goal = RunTask.Goal(**_WISHES[number % len(_WISHES)])
        yield RunTask.Impl.SendGoalService.Request(goal_id=UUID(uuid=list(uuid.uuid4().bytes)), goal=goal)


def main() -> None:
    """Ask all at once."""
    rclpy.init()
    node, executor = rclpy.create_node("absurd"), NodeExecutor()
    executor.add_node(node)
    service = "segue/run_task/_action/send_goal"
    asking: Any = node.create_client(RunTask.Impl.SendGoalService, service, qos_profile=qos.CROWDED)
    reasons: list[tuple[str, str]] = []
    heard_s: list[float] = []

    def hear(word: DiagnosticStatus) -> None:
        reasons.append((word.hardware_id, word.message))
        heard_s.append(time.monotonic())

    node.create_subscription(DiagnosticStatus, TOPIC, hear, qos.REASONS)
    begin_s = time.monotonic() + _FINDING_S
    while time.monotonic() < begin_s or not asking.service_is_ready():
        executor.spin_once(timeout_sec=0.1)
    requests = list(_goals(int(sys.argv[1])))
    print("it begins", flush=True)
    asked_s = time.monotonic()
    answers = [asking.call_async(request) for request in requests]
    ids = {bytes(request.goal_id.uuid).hex() for request in requests}
    while time.monotonic() < asked_s + _PATIENCE_S:
        executor.spin_once(timeout_sec=0.1)
        if all(answer.done() for answer in answers) and ids <= {told for told, _ in reasons}:
            break
    told = {
        "refused": sum(answer.done() and not answer.result().accepted for answer in answers),
        "reasons": len(ids & {told for told, text in reasons if text}),
        "longest_s": max(heard_s, default=asked_s + _PATIENCE_S) - asked_s,
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
