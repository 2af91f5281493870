"""Fault 15: a second node of the same name, a second publisher; each is a DDS participant of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from own_domain import own_domain
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from spinning import spin_until
from std_msgs.msg import String

from segue_core.errors import ConfigError, ControlError, ErrorCode
from segue_ros import sole_sender
from segue_ros.namesakes import Namesakes


@contextmanager
def participant(name: str, domain: int) -> Iterator[Node]:
    """A node with its own context, as in a process of its own."""
    context = Context()
    context.init(args=[], domain_id=domain)
    node = Node(name, context=context)
    try:
        yield node
    finally:
        node.destroy_node()
        context.try_shutdown()


def _until(node: Node, done: Callable[[], bool]) -> None:
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    spin_until(executor, done)
    executor.remove_node(node)


def test_a_namesake_is_refused_by_name_until_it_is_gone() -> None:
    domain = own_domain()
    with participant("controller", domain) as node:
        sole_sender.refuse_namesakes(node)
        with participant("controller", domain):
            _until(node, lambda: node.get_node_names().count("controller") == 2)
            with pytest.raises(ConfigError, match="2 nodes are called /controller on ROS domain") as refused:
                sole_sender.refuse_namesakes(node)
            assert refused.value.code is ErrorCode.ADDRESS_IN_USE
        _until(node, lambda: node.get_node_names().count("controller") == 1)
        sole_sender.refuse_namesakes(node)


def test_two_publishers_are_named_and_their_messages_told_apart() -> None:
    heard: list[tuple[str, bytes]] = []

    def hear(message: String, info: Any) -> None:
        heard.append((message.data, sole_sender.sender_of(info)))

    domain = own_domain()
    with (
        participant("listener", domain) as listener,
        participant("one", domain) as one,
        participant("two", domain) as two,
    ):
        listener.create_subscription(String, "/joint_command", hear, 10)
        publishers = [node.create_publisher(String, "/joint_command", 10) for node in (one, two)]
        _until(
            listener,
            lambda: (
                all(p.get_subscription_count() == 1 for p in publishers)
                and {info.node_name for info in listener.get_publishers_info_by_topic("/joint_command")}
                == {"one", "two"}
            ),
        )
        with pytest.raises(ControlError, match="publish /joint_command.*got /one, /two; expected one"):
            sole_sender.refuse_second_publisher(listener, "/joint_command")
        for publisher, data in zip((*publishers, publishers[0]), "aba", strict=True):
            publisher.publish(String(data=data))
        _until(listener, lambda: len(heard) == 3)
    senders = {data: {sender for told, sender in heard if told == data} for data in "ab"}
    assert len(senders["a"]) == len(senders["b"]) == 1 and senders["a"] != senders["b"]


def test_who_waits_goes_on_when_the_other_has_gone_and_is_refused_when_it_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A killed process is seen until its lease is over: the next run waits for that, and no longer."""
    domain = own_domain()
    with participant("mover", domain) as node:
        executor = SingleThreadedExecutor(context=node.context)
        executor.add_node(node)
        with participant("mover", domain):
            spin_until(executor, lambda: node.get_node_names().count("mover") == 2)
            waiting = executor.create_task(sole_sender.until_alone, node)
            for _ in range(10):
                executor.spin_once(timeout_sec=0.01)
            assert not waiting.done()
        spin_until(executor, waiting.done)
        assert waiting.exception() is None
        with participant("mover", domain):
            spin_until(executor, lambda: node.get_node_names().count("mover") == 2)
            monkeypatch.setattr(sole_sender, "PATIENCE_S", 0.1)
            refused = executor.create_task(sole_sender.until_alone, node)
            with pytest.raises(ConfigError, match="2 nodes are called /mover"):
                spin_until(executor, refused.done)


def test_where_the_middleware_does_not_tell_everybody_is_the_same() -> None:
    assert sole_sender.sender_of({"publisher_gid": None}) == sole_sender.sender_of({}) == b""


def test_a_word_about_a_name_ends_a_young_node_only_if_there_is_a_second_node_of_it() -> None:
    """One foreign word on NAME/here once ended every node of a graph in its first ten seconds, in motion."""
    word = DiagnosticStatus(level=DiagnosticStatus.OK, name="/mover", message="I was first", hardware_id="0")
    domain = own_domain()
    with participant("mover", domain) as node, participant("stranger", domain) as stranger:
        young = Namesakes(node)
        out = stranger.create_publisher(DiagnosticStatus, "/mover/here", 10)
        _until(stranger, lambda: out.get_subscription_count() == 1)
        out.publish(word)
        _until(node, lambda: young._first is not None)
        young.refuse()
        with participant("mover", domain):
            _until(node, lambda: node.get_node_names().count("mover") == 2)
            with pytest.raises(ConfigError, match="a node /mover is there already.*I was first"):
                young.refuse()
