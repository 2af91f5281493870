"""A graph is ready when its nodes say so, even when one of their answers is lost on the way."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import rclpy
from lifecycle_msgs.srv import GetState
from own_domain import own_domain
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future

from segue_bringup.graph import Ready, Respawn
from segue_bringup.resolution import NodePlan
from segue_bringup.run import readiness
from segue_bringup.run.patience import Patience
from segue_bringup.run.readiness import Readiness, same_names
from segue_core.errors import ConfigError

PATIENCE_S = 60.0


class Server(Node):
    """Answers /thing/get_state with "active", but the first `silent` questions never."""

    def __init__(self, context: Context, silent: int) -> None:
        super().__init__("thing", context=context)
        self.asked, self._silent = 0, silent
        group = ReentrantCallbackGroup()
        self.create_service(GetState, "/thing/get_state", self._answer, callback_group=group)

    async def _answer(self, request: Any, response: Any) -> Any:
        self.asked += 1
        if self.asked <= self._silent:
            await Future()
        response.current_state.label = "active"
        return response


@pytest.fixture
def context() -> Iterator[Context]:
    context = Context()
    rclpy.init(context=context, domain_id=own_domain())
    yield context
    context.try_shutdown()


def _wait(
    context: Context, server: Server, timeout_s: float, pid: int | None = None, service: str | None = None
) -> list[str]:
    """Names that are pending when all are ready or time is up."""
    watcher = Node("watcher", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(server)
    executor.add_node(watcher)
    ready = Ready(state="active", service=service, timeout_s=timeout_s)
    plan = NodePlan("thing", "none", "none", {}, {}, True, True, Respawn(), ready)
    waiting = Readiness(watcher, [plan], lambda: {} if pid is None else {"thing": pid})
    deadline = time.monotonic() + PATIENCE_S
    try:
        while (pending := waiting.pending()) and time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.05)
        return pending
    finally:
        executor.shutdown(timeout_sec=1.0)
        watcher.destroy_node()
        server.destroy_node()


@pytest.mark.parametrize("lost", [0, 2])
def test_a_lost_answer_is_asked_for_again(
    context: Context, lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "_PATIENCE_S", 0.3)
    server = Server(context, silent=lost)
    assert _wait(context, server, timeout_s=PATIENCE_S) == []
    assert server.asked >= lost + 1


def test_a_node_that_never_answers_is_named(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_PATIENCE_S", 0.3)
    with pytest.raises(ConfigError, match="node 'thing' was not ready within 2 s"):
        _wait(context, Server(context, silent=1000), timeout_s=2.0)


def test_a_service_that_others_only_ask_for_is_not_offered(context: Context) -> None:
    """ROS lists it all the same: a simulator that hung was ready, and the next one in the row was blamed."""
    server = Server(context, silent=0)
    server.create_client(GetState, "/only_asked_for")
    with pytest.raises(ConfigError, match="'thing' was not ready within 1 s"):
        _wait(context, server, timeout_s=1.0, service="/only_asked_for")


class Slow(Server):
    """Comes further every 1.5 s, and is active at last."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, silent=0)
        self._began_s = time.monotonic()

    async def _answer(self, request: Any, response: Any) -> Any:
        step = int((time.monotonic() - self._began_s) / 1.5)
        response.current_state.label = ("unconfigured", "configuring", "inactive", "active")[min(step, 3)]
        return response


def test_a_node_that_comes_further_is_waited_for_again(context: Context) -> None:
    """On a busy machine each of a graph's steps was quick enough, and all together were not."""
    assert _wait(context, Slow(context), timeout_s=3.0) == []


class Busy(Server):
    """Says nothing for 4 s, and is active then."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, silent=0)
        self._began_s = time.monotonic()

    async def _answer(self, request: Any, response: Any) -> Any:
        response.current_state.label = "active" if time.monotonic() - self._began_s > 4.0 else "configuring"
        return response


@pytest.fixture
def process(request: pytest.FixtureRequest) -> Iterator[int]:
    """Process id of a program that does what the parameter says."""
    with subprocess.Popen([sys.executable, "-c", request.param]) as child:
        yield child.pid
        child.kill()


@pytest.mark.parametrize("process", ["while True: pass"], indirect=True)
def test_a_node_that_works_is_waited_for_longer(context: Context, process: int) -> None:
    """Two graphs that were started at the same moment on a busy machine once both gave up, at work."""
    assert _wait(context, Busy(context), timeout_s=1.0, pid=process) == []


@pytest.mark.parametrize("process", ["import time; time.sleep(600)"], indirect=True)
def test_a_node_that_does_nothing_is_not(context: Context, process: int) -> None:
    with pytest.raises(ConfigError, match=r"not ready within 1 s .*it did nothing for 1 s"):
        _wait(context, Server(context, silent=1000), timeout_s=1.0, pid=process)


def test_patience_with_work_has_an_end_too() -> None:
    now_s = 0.0
    patience = Patience(clock=lambda: now_s)
    now_s = 10.0
    assert not patience.over(1.0), "nobody has looked what they did"
    now_s = 10.1
    assert patience.over(1.0)


def test_nodes_of_others_with_the_names_that_a_graph_will_use_are_found(context: Context) -> None:
    """Fault 15, before anything is started; the other node is a DDS participant of its own."""
    other = Context()
    other.init(args=[], domain_id=context.get_domain_id())
    looking, there = Node("looking", context=context), Node("thing", context=other)
    plans = [NodePlan(n, "none", "none", {}, {}, True, True, Respawn(), Ready()) for n in ("thing", "free")]
    deadline = time.monotonic() + PATIENCE_S
    while not same_names(looking, plans) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert same_names(looking, plans) == ["thing"]
    there.destroy_node()
    looking.destroy_node()
    other.try_shutdown()
