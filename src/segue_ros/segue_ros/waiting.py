"""Waiting inside coroutines that run on the node's own executor: for a future, a condition, or a service's answer.

A service whose callback waits needs a callback group of its own: until the callback returns, the executor holds back
everything else in its group.
"""

from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.client import Client
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.task import Future
from rclpy.timer import Timer

from segue_core.errors import ErrorCode, SegueError, told_code
from segue_ros.calm import BUSY_TIMES, Calm

_POLL_S = 0.02
_LOOK_S = 0.1
ASK_AGAIN_S = 1.0


def _timer(node: Node, period_s: float, callback: Callable[[], None]) -> Timer:
    """A timer on the steady clock that no other callback can hold back."""
    clock = Clock(clock_type=ClockType.STEADY_TIME)
    return node.create_timer(period_s, callback, callback_group=ReentrantCallbackGroup(), clock=clock)


async def within(node: Node, future: Future[Any], timeout_s: float) -> bool:
    """Wait until `future` is done; False when it is not after `timeout_s` of the steady clock."""
    gate: Future[bool] = Future()

    def open_gate(done: bool) -> None:
        if not gate.done():
            gate.set_result(done)

    timer = node.create_timer(
        timeout_s, lambda: open_gate(False), clock=Clock(clock_type=ClockType.STEADY_TIME)
    )
    future.add_done_callback(lambda _: open_gate(True))
    try:
        return bool(await gate)
    finally:
        node.destroy_timer(timer)


async def until(node: Node, condition: Callable[[], bool], timeout_s: float) -> bool:
    """Wait until `condition` holds, looking every 20 ms; its last value, so False after `timeout_s`."""
    if condition():
        return True
    done: Future[bool] = Future()

    def look() -> None:
        if not done.done() and condition():
            done.set_result(True)

    timer = _timer(node, _POLL_S, look)
    try:
        return await within(node, done, timeout_s) or condition()
    finally:
        node.destroy_timer(timer)


async def call(node: Node, client: Client[Any, Any], request: Any, timeout_s: float = 5.0) -> Any:
    """The answer of a service whose response has `error_code` and `error_text`.

    It is asked again every second, since an answer is lost while discovery is still matching its way back: the service
    must be one that does nothing more when it is asked for the same thing twice in a row. Of the time-out only calm
    seconds count (`calm.Calm`): an arm that a busy machine armed too slowly ended the run.

    Raises:
        SegueError: nobody offers the service, it does not answer in time, or it answers with an error code.
    """
    calm = Calm(timeout_s)
    await until(node, lambda: client.service_is_ready() or calm.over, BUSY_TIMES * timeout_s)
    if not client.service_is_ready():
        text, do = (
            f"nobody offers the service {client.srv_name}",
            "start the node that has it, on this ROS domain",
        )
        raise SegueError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, do=do)
    calm = Calm(timeout_s)
    response = await _answer(node, client, request, calm)
    if response is None:
        text = f"no answer from {client.srv_name} within {timeout_s:g} s, asked every {ASK_AGAIN_S:g} s"
        text += f" for {calm.waited_s:.1f} s, of which those do not count in which others had the processors"
        raise SegueError(ErrorCode.PROCESS_FAILED, text)
    if response.error_code:
        code = told_code(response.error_code, ErrorCode.PROCESS_FAILED)
        raise SegueError(code, f"{client.srv_name}: {response.error_text}")
    return response


async def _answer(node: Node, client: Client[Any, Any], request: Any, calm: Calm) -> Any:
    """The first answer to any asking; None when there is none in time."""
    answer: Future[Any] = Future()
    asked: list[Future[Any]] = []

    def take(future: Future[Any]) -> None:
        if not answer.done():
            answer.set_result(future.result())

    def look() -> None:
        if calm.over and not answer.done():
            answer.set_result(None)

    def ask() -> None:
        asked.append(client.call_async(request))
        asked[-1].add_done_callback(take)

    ask()
    timers = [_timer(node, ASK_AGAIN_S, ask), _timer(node, _LOOK_S, look)]
    try:
        return await answer
    finally:
        for timer in timers:
            node.destroy_timer(timer)
        for future in asked:
            if not future.done():
                client.remove_pending_request(future)


def insist(node: Node, client: Client[Any, Any], request: Any) -> None:
    """Ask for something that nobody waits for, until it is answered; that it was not is logged."""

    async def ask() -> None:
        try:
            await call(node, client, request)
        except SegueError as error:
            node.get_logger().error(str(error))

    executor = node.executor
    if executor is None:
        raise RuntimeError(f"node {node.get_name()} is not spun by an executor")
    executor.create_task(ask)
