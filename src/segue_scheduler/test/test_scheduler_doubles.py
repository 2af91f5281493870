"""Fault 15 at the scheduler node: beside a second one of its name it takes no goal, and nothing moves."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

import rclpy
from own_domain import own_domain
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from spinning import spin_until

from segue_interfaces.action import RunTask
from segue_interfaces.srv import Arm
from segue_ros import sole_sender
from segue_scheduler.node.scheduler_node import SchedulerNode

ROBOT = Path(__file__).parents[3] / "config" / "robots" / "jaco2.yaml"
DOMAIN = own_domain()


@pytest.fixture
def scheduler() -> Iterator[SchedulerNode]:
    given = [f"robot_file:={ROBOT}", "task:=place_block", "policy:=hold", "continuation:=naive_async"]
    arguments = [part for text in (*given, "autostart:=false") for part in ("-p", text)]
    rclpy.init(args=["test", "--ros-args", *arguments], domain_id=DOMAIN)
    node = SchedulerNode()
    node.trigger_configure()
    node.trigger_activate()
    yield node
    node.end()
    node.destroy_node()
    rclpy.shutdown()


@pytest.fixture
def second() -> Iterator[Node]:
    """A node of the same name that is a DDS participant of its own."""
    context = Context()
    context.init(args=[], domain_id=DOMAIN)
    node = Node("scheduler", context=context)
    yield node
    node.destroy_node()
    context.try_shutdown()


def test_two_schedulers_of_one_name_refuse_every_goal_and_arm_nothing(
    scheduler: SchedulerNode, second: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sole_sender, "PATIENCE_S", 0.2)  # for one that was killed
    peer, armings = Node("peer"), list[Arm.Request]()

    def arm(request: Arm.Request, response: Arm.Response) -> Arm.Response:
        armings.append(request)
        return response

    peer.create_service(Arm, "/segue/arm", arm)
    client: Any = ActionClient(peer, RunTask, "/segue/run_task")
    executor = SingleThreadedExecutor()
    executor.add_node(scheduler)
    executor.add_node(peer)

    def until(done: Callable[[], bool]) -> None:
        spin_until(executor, done)

    until(lambda: client.server_is_ready() and scheduler.get_node_names().count("scheduler") == 2)
    sent = client.send_goal_async(RunTask.Goal(task="place_block"))
    until(sent.done)
    asked = sent.result().get_result_async()
    until(asked.done)
    result = asked.result().result
    assert (result.success, result.error_code, armings) == (False, 608, [])
    assert "2 nodes are called /scheduler on ROS domain" in result.reason
    client.destroy()
    peer.destroy_node()
