"""What the graph asks of itself arrives, even when an answer is lost on its way back, and is done once."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import rclpy
from own_domain import own_domain
from rclpy.action import ActionClient, ActionServer, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future
from spinning import spin_until

from segue_core.errors import SegueError
from segue_interfaces.action import MoveTo
from segue_interfaces.srv import Recover
from segue_ros import calm, goals, waiting
from segue_ros.calm import Calm
from segue_ros.goals import Goal


class Lossy(ActionClient):
    """A client that first loses as many answers of each kind as `lose` says."""

    lose: dict[str, int]

    async def execute(self, taken_data: Any) -> None:
        for kind in ("goal", "result"):
            if kind in taken_data and self.lose[kind] > 0:
                self.lose[kind] -= 1
                del taken_data[kind]
        await super().execute(taken_data)


class Pair:
    """A client node and a server node that spin together."""

    def __init__(self, context: Context) -> None:
        self.client, self.server = Node("asker", context=context), Node("asked", context=context)
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.client)
        self.executor.add_node(self.server)

    def until(self, done: Any) -> None:
        spin_until(self.executor, done, "nothing came of it")


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setattr(waiting, "ASK_AGAIN_S", 0.1)
    monkeypatch.setattr(goals, "ASK_AGAIN_S", 0.1)
    context = Context()
    rclpy.init(context=context, domain_id=own_domain())
    yield Pair(context)
    context.try_shutdown()


def _service(pair: Pair, silent: int) -> list[Any]:
    """A service that never answers its first `silent` callers; the requests that it got."""
    got: list[Any] = []

    async def answer(request: Any, response: Any) -> Any:
        got.append(request)
        if len(got) <= silent:
            await Future()
        response.success = True
        return response

    pair.server.create_service(Recover, "recover", answer, callback_group=ReentrantCallbackGroup())
    return got


def _call(pair: Pair, timeout_s: float) -> Any:
    client: Any = pair.client.create_client(Recover, "recover")
    return pair.executor.create_task(waiting.call(pair.client, client, Recover.Request(), timeout_s))


@pytest.mark.parametrize("lost", [0, 1, 3])
def test_a_service_whose_answer_is_lost_is_asked_again(pair: Pair, lost: int) -> None:
    got = _service(pair, silent=lost)
    task = _call(pair, timeout_s=30.0)
    pair.until(task.done)
    assert task.result().success
    assert len(got) == lost + 1


def test_a_service_that_never_answers_is_an_error_that_names_it(pair: Pair) -> None:
    _service(pair, silent=10**6)
    task = _call(pair, timeout_s=0.5)
    with pytest.raises(SegueError, match=r"no answer from .*recover within 0.5 s"):  # an executor raises it
        pair.until(task.done)


@pytest.mark.parametrize("others_take", [1.0, 0.0])
def test_time_in_which_others_have_the_processors_is_no_time_to_answer_in(others_take: float) -> None:
    """A run on a busy machine ended in "no answer from segue/arm within 5 s"."""
    now_s = 100.0
    patience = Calm(5.0, stalled=lambda: others_take * now_s, clock=lambda: now_s)
    now_s = 104.9
    assert not patience.over
    now_s = 105.1
    assert patience.over == (others_take == 0.0)
    assert patience.waited_s == pytest.approx(5.1)
    now_s = 150.1
    assert patience.over, "a dead one is not waited for without end"


@pytest.mark.parametrize("busy", [True, False])
def test_an_answer_that_a_busy_machine_delays_is_waited_for(
    busy: bool, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "Calm", partial(Calm, stalled=time.monotonic if busy else float))
    monkeypatch.setattr(waiting, "ASK_AGAIN_S", 0.5)
    _service(pair, silent=2)  # answered after a second, asked for the third time
    task = _call(pair, timeout_s=0.6)
    if busy:
        pair.until(task.done)
        assert task.result().success
    else:
        with pytest.raises(SegueError, match="no answer from"):
            pair.until(task.done)


def test_a_kernel_that_counts_nothing_leaves_the_wall_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calm, "_PRESSURE", tmp_path / "cpu")
    assert calm.stalled_s() == 0.0
    for text, seconds in (("some avg10=1.0 total=2500000\nfull total=0\n", 2.5), ("", 0.0), ("some\n", 0.0)):
        (tmp_path / "cpu").write_text(text)
        assert calm.stalled_s() == seconds


def test_what_is_insisted_on_is_asked_until_it_is_answered(pair: Pair) -> None:
    got = _service(pair, silent=2)
    client: Any = pair.client.create_client(Recover, "recover")
    waiting.insist(pair.client, client, Recover.Request())
    pair.until(lambda: len(got) == 3)


class Mover:
    """An action server that counts what it executes."""

    def __init__(self, pair: Pair, accepts: bool = True) -> None:
        self.executed: list[Any] = []
        response = GoalResponse.ACCEPT if accepts else GoalResponse.REJECT
        self.server = ActionServer(
            pair.server, MoveTo, "move", self._execute, goal_callback=lambda _: response
        )

    def _execute(self, handle: Any) -> MoveTo.Result:
        self.executed.append(handle.request)
        handle.succeed()
        return MoveTo.Result(success=True)


def _send(pair: Pair, **lose: int) -> tuple[list[MoveTo.Result], list[bool]]:
    client = Lossy(pair.client, MoveTo, "move")
    client.lose = {"goal": 0, "result": 0} | lose
    results: list[MoveTo.Result] = []
    refused: list[bool] = []
    pair.until(client.server_is_ready)
    Goal(pair.client, client, MoveTo.Goal(pose="home"), results.append, lambda: refused.append(True))
    pair.until(lambda: bool(results or refused))
    return results, refused


@pytest.mark.parametrize("lose", [{}, {"goal": 1}, {"goal": 3}, {"result": 2}, {"goal": 2, "result": 1}])
def test_a_goal_whose_answers_are_lost_is_executed_once_and_its_result_comes_once(
    pair: Pair, lose: dict[str, int]
) -> None:
    mover = Mover(pair)
    results, refused = _send(pair, **lose)
    for _ in range(30):
        pair.executor.spin_once(timeout_sec=0.01)
    assert [result.success for result in results] == [True] and not refused
    assert len(mover.executed) == 1


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_refused_goal_is_refused_even_when_that_answer_is_lost(pair: Pair, lost: int) -> None:
    mover = Mover(pair, accepts=False)
    results, refused = _send(pair, goal=lost)
    assert refused == [True] and not results and not mover.executed


def test_a_second_server_that_does_not_know_an_accepted_goal_does_not_end_it(pair: Pair) -> None:
    done: Future[None] = Future()

    async def execute(handle: Any) -> MoveTo.Result:
        await done
        handle.succeed()
        return MoveTo.Result(success=True)

    ActionServer(pair.server, MoveTo, "move", execute)
    client: Any = ActionClient(pair.client, MoveTo, "move")
    pair.until(client.server_is_ready)
    ends: list[str] = []
    goal = Goal(
        pair.client, client, MoveTo.Goal(pose="home"),
        lambda result: ends.append("result"), lambda: ends.append("refused"),
    )  # fmt: skip
    pair.until(lambda: goal.accepted)
    other = Node("one_too_many", context=pair.client.context)
    pair.executor.add_node(other)
    unknowing = ActionServer(other, MoveTo, "move", execute)
    pair.until(lambda: pair.client.count_services("move/_action/get_result") == 2)
    until_s = time.monotonic() + 1.0  # the result is asked for ten times
    pair.until(lambda: time.monotonic() > until_s)
    assert ends == []
    unknowing.destroy()
    done.set_result(None)
    pair.until(lambda: bool(ends))
    assert ends == ["result"]
