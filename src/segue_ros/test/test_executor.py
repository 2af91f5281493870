"""Laws of the nodes' executor: what is looked at rarely is still looked at, and what is gathered is not lost."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import rclpy
from own_domain import own_domain
from rclpy.action import ActionClient, ActionServer
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from spinning import spin_until
from std_msgs.msg import Int64

from segue_interfaces.action import MoveTo
from segue_interfaces.srv import Recover
from segue_ros import executor, qos
from segue_ros.executor import NodeExecutor, waiting_messages


class Two:
    """A node under the executor in question, and a peer that spins beside it."""

    def __init__(self, rest_s: float = 0.0) -> None:
        self.node, self.peer = Node("thing"), Node("peer")
        self.executor, self.other = NodeExecutor(rest_s), SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.other.add_node(self.peer)

    def until(self, done: Any) -> None:
        def both() -> bool:
            self.executor.spin_once(timeout_sec=0.01)
            return bool(done())

        spin_until(self.other, both)


@pytest.fixture
def ros() -> Iterator[None]:
    rclpy.init(domain_id=own_domain())
    yield
    rclpy.shutdown()


def test_parameters_are_set_while_messages_pour_in(ros: None) -> None:
    two, got = Two(), list[int]()
    two.node.declare_parameter("speed", 1)
    two.node.create_subscription(Int64, "numbers", lambda m: got.append(m.data), qos.STATE)
    numbers = two.peer.create_publisher(Int64, "numbers", qos.STATE)
    client: Any = AsyncParameterClient(two.peer, "thing")
    two.until(client.services_are_ready)
    two.until(lambda: numbers.get_subscription_count() == 1)
    answer = client.set_parameters([Parameter("speed", value=7)])

    def answered() -> bool:
        numbers.publish(Int64(data=len(got)))
        return answer.done()

    two.until(answered)
    two.until(lambda: bool(got))
    assert two.node.get_parameter("speed").value == 7


def test_a_publisher_whose_quality_of_service_does_not_fit_is_still_noticed(ros: None) -> None:
    two, noticed = Two(), list[Any]()
    from rclpy.event_handler import SubscriptionEventCallbacks

    callbacks = SubscriptionEventCallbacks(incompatible_qos=noticed.append)
    reliable = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
    two.node.create_subscription(Int64, "numbers", lambda _: None, reliable, event_callbacks=callbacks)
    two.peer.create_publisher(
        Int64, "numbers", QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    )
    two.until(lambda: bool(noticed))


def test_messages_that_gathered_while_the_node_rested_come_in_order_and_all(ros: None) -> None:
    two, got = Two(rest_s=0.05), list[int]()

    def take(message: Int64) -> None:
        got.append(message.data)
        got.extend(more.data for more, _ in waiting_messages(subscription))

    subscription = two.node.create_subscription(
        Int64, "numbers", take, QoSProfile(depth=500, reliability=ReliabilityPolicy.RELIABLE)
    )
    numbers = two.peer.create_publisher(Int64, "numbers", QoSProfile(depth=500))
    two.until(lambda: numbers.get_subscription_count() == 1)
    for number in range(300):
        numbers.publish(Int64(data=number))
    two.until(lambda: len(got) == 300)
    assert got == list(range(300))


def test_a_coroutine_that_waits_wakes_nobody_and_goes_on_when_its_message_has_come(ros: None) -> None:
    two, future = Two(), Future[int]()
    done = two.executor.create_task(_plus_one, future)
    two.node.create_subscription(Int64, "numbers", lambda m: future.set_result(m.data), qos.STATE)
    began, spins = time.monotonic(), 0
    while time.monotonic() - began < 1.0:
        two.executor.spin_once(timeout_sec=1.0)
        spins += 1
    assert spins < 40, "it is looked at ten times a second, with one wait more after each look"
    assert not done.done()
    numbers = two.peer.create_publisher(Int64, "numbers", qos.STATE)
    two.until(lambda: numbers.get_subscription_count() == 1)
    numbers.publish(Int64(data=41))
    two.until(done.done)
    assert done.result() == 42


async def _plus_one(future: "Future[int]") -> int:
    value = await future
    assert value is not None
    return value + 1


def test_what_callbacks_make_is_waited_for_and_what_they_destroy_is_called_no_more(ros: None) -> None:
    two, first, second = Two(), list[int](), list[int]()

    def change(message: Int64) -> None:
        first.append(message.data)
        two.node.destroy_subscription(subscription)
        two.node.create_subscription(Int64, "numbers", lambda m: second.append(m.data), qos.STATE)

    subscription = two.node.create_subscription(Int64, "numbers", change, qos.STATE)
    numbers = two.peer.create_publisher(Int64, "numbers", qos.STATE)
    two.until(lambda: numbers.get_subscription_count() == 1)

    def heard() -> bool:
        numbers.publish(Int64(data=1))
        return len(second) > 3

    two.until(heard)
    assert first == [1]


def test_a_timer_that_a_callback_cancels_in_the_same_round_does_not_fire(ros: None) -> None:
    two, fired = Two(), list[str]()

    def fire(name: str, other: str) -> None:
        fired.append(name)
        timers[other].cancel()

    timers = {
        name: two.node.create_timer(0.02, partial(fire, name, other))
        for name, other in (("a", "b"), ("b", "a"))
    }
    time.sleep(0.05)  # both are due
    two.until(lambda: len(fired) > 3)
    assert len(set(fired)) == 1


@pytest.mark.parametrize("rarely_s", [0.0, 10.0])
def test_many_who_ask_at_once_are_answered_in_few_rounds_and_timers_keep_their_turn(
    rarely_s: float, ros: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One request of a service was taken in a round; on a busy machine fifty clients waited ten seconds."""
    monkeypatch.setattr(executor, "RARELY_S", rarely_s)
    two, count = Two(), 60
    ticks, served, moved = list[int](), list[int](), list[int]()

    def serve(_: Recover.Request, response: Recover.Response) -> Recover.Response:
        served.append(1)
        response.success = True
        return response

    two.node.create_service(Recover, "ask", serve, qos_profile=qos.CROWDED)
    server = ActionServer(
        two.node, MoveTo, "move", lambda goal: moved.append(1) or _done(goal), **qos.CROWDED_ACTION
    )
    clients: Any = [two.peer.create_client(Recover, "ask", qos_profile=qos.CROWDED) for _ in range(2)]
    mover: Any = ActionClient(two.peer, MoveTo, "move", **qos.CROWDED_ACTION)
    two.until(lambda: clients[0].service_is_ready() and mover.server_is_ready())
    for _ in range(count // 2):
        for client in clients:
            client.call_async(Recover.Request())
    for _ in range(count):
        mover.send_goal_async(MoveTo.Goal(pose="home"))
    time.sleep(1.0)  # all of them have come
    two.node.create_timer(1e-6, lambda: ticks.append(len(served) + len(moved)))
    rounds = 0
    while len(served) < count or len(moved) < count:
        two.executor.spin_once(0.1)
        rounds += 1
        assert rounds < count, "a round for each of them"
    assert len(set(ticks)) > 2, "timers waited until all were served"
    server.destroy()


def _done(goal: Any) -> MoveTo.Result:
    goal.succeed()
    return MoveTo.Result(success=True)


def test_what_a_callback_raises_reaches_who_spins(ros: None) -> None:
    two = Two()

    def fail() -> None:
        raise ArithmeticError("in the timer")

    two.node.create_timer(0.01, fail)
    with pytest.raises(ArithmeticError, match="in the timer"):
        two.until(lambda: False)
