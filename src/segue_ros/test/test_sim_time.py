"""Laws of simulated time with more than one who tells it."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from own_domain import own_domain
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock
from spinning import spin_until

from segue_core.errors import ConfigError, ErrorCode
from segue_ros import sim_time
from segue_ros.sim_time import OneClock

Spin = Callable[[Callable[[], bool]], None]


class Told:
    """A node that follows simulated time, and two that tell it."""

    def __init__(self, context: Context) -> None:
        self.executor = SingleThreadedExecutor(context=context)
        in_simulation = [Parameter("use_sim_time", value=True)]
        self.node = Node("follower", context=context, parameter_overrides=in_simulation)
        self.clock = OneClock(self.node)
        self.tellers = [Node(name, context=context) for name in ("simulator", "player")]
        self.out: list[Publisher[Clock]] = [
            node.create_publisher(Clock, "/clock", 10) for node in self.tellers
        ]
        for node in (self.node, *self.tellers):
            self.executor.add_node(node)
        self.heard: list[int] = []

    def tell(self, who: int, seconds: int, until: Callable[[], bool]) -> None:
        def once() -> bool:
            message = Clock()
            message.clock.sec = seconds
            self.out[who].publish(message)
            self.heard.append(self.seconds)
            return until()

        spin_until(self.executor, once)

    @property
    def seconds(self) -> int:
        return int(self.node.get_clock().now().nanoseconds // 10**9)

    @property
    def refused(self) -> str:
        try:
            self.clock.refuse_rival()
        except ConfigError as error:
            assert error.code is ErrorCode.ADDRESS_IN_USE
            return str(error)
        return ""


@pytest.fixture
def told() -> Iterator[Told]:
    context = Context()
    context.init(args=[], domain_id=own_domain())
    told = Told(context)
    yield told
    for node in (told.node, *told.tellers):
        node.destroy_node()
    with suppress(RuntimeError):
        context.shutdown()


def test_of_two_who_tell_the_time_the_first_is_followed_and_both_are_named(told: Told) -> None:
    """Time went to and fro between them, and what came of it was a camera's cable."""
    told.tell(0, 5, lambda: told.seconds == 5)
    assert told.refused == ""
    told.tell(1, 900, lambda: bool(told.refused))
    for told_before in range(6, 30):
        told.tell(1, 900, lambda: True)
        told.tell(0, told_before, lambda now=told_before: told.seconds == now)  # type: ignore[misc]
    assert max(told.heard) < 30
    assert "got node /simulator and node /player" in told.refused and "ROS_DOMAIN_ID" in told.refused


def test_who_falls_silent_is_followed_no_more(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulator that is started again has another publisher."""
    monkeypatch.setattr(sim_time, "SILENT_S", 0.3)
    told.tell(0, 5, lambda: told.seconds == 5)
    told.tell(1, 2, lambda: told.seconds == 2)
    assert told.refused == "", "it is nobody's rival from the moment it is followed"
    told.tell(1, 3, lambda: told.seconds == 3)
    assert told.refused == ""


def test_who_tells_a_time_before_zero_is_not_followed(told: Told) -> None:
    """It would keep the one that tells the real time from being heard."""
    told.tell(1, -5, lambda: len(told.heard) > 10)
    told.tell(0, 5, lambda: told.seconds == 5)
    assert told.refused == "" and min(told.heard) == 0
