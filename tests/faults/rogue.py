"""Somebody else's node on the domain of a graph, that says and asks what it likes."""

import time
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from typing_extensions import Self

from segue_ros.goals import Goal
from segue_ros.waiting import ASK_AGAIN_S

from .witness import ROGUE

_FIND_S = 60.0
_EVERY_S = 0.1


class Rogue:
    """A context: a node of its own, spun by whoever calls. A message's header is marked, so that a witness can tell."""

    def __init__(self, domain: int) -> None:
        self._domain = domain

    def __enter__(self) -> Self:
        self._context = Context()
        rclpy.init(context=self._context, domain_id=self._domain)
        self._node = rclpy.create_node("rogue", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        return self

    def __exit__(self, *_: object) -> None:
        self._node.destroy_node()
        self._context.try_shutdown()

    def say(
        self,
        topic: str,
        profile: QoSProfile,
        make: Callable[[], Any],
        enough: Callable[[], bool],
        limit_s: float,
    ) -> int:
        """Publish what `make` makes, ten times a second, until it is enough or time is over; how many were heard."""
        kind = type(make())
        publisher, sent = self._node.create_publisher(kind, topic, profile), 0
        try:
            self._until(lambda: publisher.get_subscription_count() > 0, _FIND_S)
            end_s = time.monotonic() + limit_s
            while not enough() and time.monotonic() < end_s:
                message = make()
                if hasattr(message, "header"):
                    message.header.frame_id = ROGUE
                publisher.publish(message)
                sent += publisher.get_subscription_count() > 0
                self._executor.spin_once(timeout_sec=_EVERY_S)
        finally:
            self._node.destroy_publisher(publisher)
        return sent

    def ask(self, kind: Any, name: str, request: Any, limit_s: float = _FIND_S) -> Any:
        """The answer of a service, asked every second."""
        client, asked, end_s = self._node.create_client(kind, name), [], time.monotonic() + limit_s
        try:
            self._until(client.service_is_ready, limit_s)
            while not any(answer.done() for answer in asked):
                assert time.monotonic() < end_s, f"no answer from {name} within {limit_s:g} s"
                asked.append(client.call_async(request))
                self._executor.spin_until_future_complete(asked[-1], ASK_AGAIN_S)
            return next(answer for answer in asked if answer.done()).result()
        finally:
            self._node.destroy_client(client)

    def wish(self, kind: Any, name: str, wanted: Any, limit_s: float = _FIND_S) -> Any:
        """The result of an action's goal; None when the goal is rejected."""
        client: ActionClient[Any, Any, Any] = ActionClient(self._node, kind, name)
        ended: list[Any] = []
        try:
            self._until(client.server_is_ready, limit_s)
            goal = Goal(self._node, client, wanted, ended.append, lambda: ended.append(None))
            self._until(lambda: bool(ended), limit_s)
            goal.forget()
            return ended[0]
        finally:
            client.destroy()

    def _until(self, condition: Callable[[], bool], limit_s: float) -> None:
        end_s = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end_s, f"the graph does not answer within {limit_s:g} s"
            self._executor.spin_once(timeout_sec=_EVERY_S)
