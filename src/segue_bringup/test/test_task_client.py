"""What the commands' client learns of a rejected goal."""

from collections.abc import Iterator
from typing import Any

import pytest
import rclpy
from own_domain import own_domain
from rclpy.action import ActionServer, GoalResponse
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from spinning import spin_until
from unique_identifier_msgs.msg import UUID

from segue_bringup.run.client import TaskClient
from segue_core.errors import ConfigError, ErrorCode
from segue_interfaces.action import RunTask
from segue_ros import qos
from segue_ros.rejections import TellingServer


class Pair:
    """A server's node and a client that spin together."""

    def __init__(self, context: Context) -> None:
        self.server = Node("server", context=context)
        self.node = Node("asker", context=context)
        self.client = TaskClient(self.node)
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.server)
        self.executor.add_node(self.node)

    def reject(self) -> None:
        """Send a goal and come back when it is refused."""
        spin_until(self.executor, self.client.available)
        self.client.send(RunTask.Goal(task="nonsense"))
        spin_until(self.executor, lambda: self.client.over)
        assert self.client.refused and self.client.result is None


@pytest.fixture
def pair() -> Iterator[Pair]:
    context = Context()
    rclpy.init(context=context, domain_id=own_domain())
    yield Pair(context)
    context.try_shutdown()


async def _never(_: Any) -> Any:
    raise AssertionError("a rejected goal is not carried out")


def test_the_reason_of_a_rejection_is_the_servers_with_its_code(pair: Pair) -> None:
    def judge(goal: RunTask.Goal) -> None:
        raise ConfigError(ErrorCode.CONFIG_UNKNOWN_NAME, "task", got=goal.task, do="ask for another")

    TellingServer(pair.server, RunTask, "segue/run_task", _never, judge)
    for _ in range(2):
        pair.reject()
        why = pair.client.why_refused()
        assert why.code is ErrorCode.CONFIG_UNKNOWN_NAME
        assert "rejected by /segue/run_task: task; got nonsense" in str(why) and "ask for another" in str(why)


def test_a_server_that_says_no_reason_is_waited_for_a_second(pair: Pair) -> None:
    ActionServer(pair.server, RunTask, "segue/run_task", _never, goal_callback=lambda _: GoalResponse.REJECT)
    pair.reject()
    why = pair.client.why_refused()
    assert why.code is ErrorCode.SCHEDULER_BAD_INPUT and "segue/rejected" in why.next_step


def test_answers_to_others_push_out_none_of_a_client_that_is_late_to_read(pair: Pair) -> None:
    """Every client of a service hears the answers of all; of the usual ten that are kept its own was the oldest."""

    def judge(_: RunTask.Goal) -> None:
        raise ConfigError(ErrorCode.CONFIG_UNKNOWN_NAME, "task")

    TellingServer(pair.server, RunTask, "segue/run_task", _never, judge)
    others = Node("others", context=pair.server.context)
    pair.executor.add_node(others)
    asking: Any = others.create_client(
        RunTask.Impl.SendGoalService, "segue/run_task/_action/send_goal", qos_profile=qos.CROWDED
    )
    spin_until(pair.executor, lambda: pair.client.available() and asking.service_is_ready())
    pair.executor.remove_node(pair.node)
    pair.client.send(RunTask.Goal(task="nonsense"))
    assert pair.client._goal is not None
    pair.client._goal._timer.cancel()  # it does not ask again
    for number in range(30):
        goal = UUID(uuid=[number] * 16)
        answer = asking.call_async(RunTask.Impl.SendGoalService.Request(goal_id=goal))
        spin_until(pair.executor, answer.done)
    pair.executor.add_node(pair.node)
    spin_until(pair.executor, lambda: pair.client.over)
    assert pair.client.refused
