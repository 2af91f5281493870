"""What the scheduler makes of what policy nodes say of themselves, and of their deaths as DDS tells them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

import rclpy
from builtin_interfaces.msg import Time
from own_domain import own_domain
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from spinning import spin_until

from segue_core.action_space import action_space
from segue_core.errors import ErrorCode, SegueError
from segue_core.policy import PolicyInfo
from segue_interfaces.msg import PolicyInfo as PolicyInfoMsg
from segue_ros import qos
from segue_ros.conversions import info_to_msg
from segue_scheduler.node.policy_link import TOPIC, PolicyLink
from segue_scheduler.node.watches import Presence
from segue_scheduler.testing.scripted_policy import policy_info

SPACE = action_space("dual_arm_ee")
INFO = policy_info(SPACE)
DOMAIN = own_domain()


class Bench:
    """A link, and a policy node that says what it is told to."""

    def __init__(self) -> None:
        self.elsewhere = Context()  # a DDS participant of its own, as of another process
        self.elsewhere.init(args=[], domain_id=DOMAIN)
        self.node, self.peer = Node("scheduler"), Node("policy", context=self.elsewhere)
        self.link = PolicyLink(self.node, lease_s=1.0, patience_s=0.0)
        self.out = self.publisher(qos.alive(qos.PULSE_S))
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)

    def publisher(self, profile: Any) -> Any:
        return self.peer.create_publisher(PolicyInfoMsg, TOPIC, profile)

    def say(self, info: PolicyInfo = INFO, since: int = 0, **change: object) -> None:
        message = info_to_msg(info, info.name, Time(sec=since))
        for name, value in change.items():
            setattr(message, name, value)
        self.out.publish(message)

    def until(self, done: Callable[[], bool]) -> None:
        spin_until(self._executor, done)

    @property
    def fault(self) -> SegueError | None:
        """Why the run cannot go on, if so."""
        return self.link.fault(time.monotonic())

    def faulty(self) -> SegueError:
        """The fault of the run, once there is one."""
        self.until(lambda: self.fault is not None)
        assert self.fault is not None
        return self.fault


@pytest.fixture
def bench() -> Iterator[Bench]:
    rclpy.init(args=["test"], domain_id=DOMAIN)
    bench = Bench()
    yield bench
    bench.peer.destroy_node()
    bench.elsewhere.try_shutdown()
    bench.node.destroy_node()
    rclpy.shutdown()


@pytest.fixture
def begun(bench: Bench) -> Bench:
    """A run has begun."""
    bench.say()
    bench.until(lambda: bench.link.is_there)
    assert bench.link.begin() == INFO
    assert bench.fault is None
    return bench


def test_a_policy_that_leaves_ends_the_run_and_no_other_begins(begun: Bench) -> None:
    begun.peer.destroy_publisher(begun.out)
    error = begun.faulty()
    assert error.code is ErrorCode.POLICY_GONE
    assert "nothing was heard of it for 1 s (policy_lease_s)" in error.text
    with pytest.raises(SegueError, match="no policy node is there") as caught:
        begun.link.begin()
    assert caught.value.code is ErrorCode.POLICY_NOT_READY


def test_a_policy_that_was_started_anew_does_not_go_on_with_the_run_but_the_next_one_may(
    begun: Bench,
) -> None:
    begun.say(since=5)
    error = begun.faulty()
    assert (error.code, "started anew" in error.text) == (ErrorCode.POLICY_GONE, True)
    begun.link.begin()
    assert begun.fault is None


def test_another_policy_in_mid_run_is_refused_with_all_that_differs(begun: Bench) -> None:
    begun.say(replace(INFO, name="other", horizon=30), since=5)
    error = begun.faulty()
    assert error.code is ErrorCode.SCHEDULER_POLICY_MISMATCH
    for said in ("name: got other, expected", f"horizon: got 30, expected {INFO.horizon}"):
        assert said in error.text


def test_what_is_told_again_is_the_same_policy(begun: Bench) -> None:
    """DDS hands it out again when a partition heals."""
    heard: list[PolicyInfoMsg] = []
    begun.node.create_subscription(PolicyInfoMsg, TOPIC, heard.append, qos.LATCHED)
    begun.until(lambda: len(heard) == 1)
    begun.say()
    begun.until(lambda: len(heard) == 2)
    assert begun.fault is None


def test_a_policy_that_cannot_be_is_refused_even_if_a_good_one_was_there_before(begun: Bench) -> None:
    """A scheduler once went on to offer the policy before it, which was dead."""
    begun.say(action_space_fingerprint="0123456789abcdef", since=5)
    assert begun.faulty().code is ErrorCode.SCHEDULER_POLICY_MISMATCH
    with pytest.raises(SegueError, match="got 0123456789abcdef"):
        begun.link.begin()


def test_a_stranger_that_cannot_be_a_policy_takes_nothing_from_the_one_that_is_there(begun: Bench) -> None:
    """One message with a horizon of 2^31 - 1 from somebody else blocked every task."""
    stranger = begun.publisher(qos.LATCHED)
    begun.until(lambda: stranger.get_subscription_count() > 0)
    message = info_to_msg(INFO, "stranger", Time())
    message.horizon = 2**31 - 1
    stranger.publish(message)
    end = time.monotonic() + 0.5
    begun.until(lambda: time.monotonic() > end)
    assert begun.link.refusal is None and begun.fault is None
    assert begun.link.begin() == INFO


def test_a_policy_that_offers_no_lease_is_heard_and_not_missed(bench: Bench) -> None:
    bench.peer.destroy_publisher(bench.out)
    bench.out = bench.publisher(qos.LATCHED)
    bench.say()
    bench.until(lambda: bench.link.is_there)
    bench.link.begin()
    assert bench.fault is None


def test_time_waits_for_who_is_silent_until_patience_is_over() -> None:
    presence = Presence(patience_s=1.5)
    assert not (presence.lost or presence.unsure(9.0) or presence.gone(9.0)), "never heard of is not missed"
    presence.tell(True, 10.0)
    presence.tell(False, 20.0)
    assert [presence.unsure(now) for now in (20.0, 21.4, 21.5)] == [True, True, False]
    assert [presence.gone(now) for now in (20.0, 21.4, 21.5)] == [False, False, True]
    presence.tell(False, 21.0)
    assert presence.gone(21.5), "told again that they are lost they get no more time"
    presence.tell(True, 22.0)
    assert not presence.lost
