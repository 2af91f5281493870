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

from segue_core.errors import ErrorCode, SegueError

_POLL_S = 0.02


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

    Raises:
        SegueError: nobody offers the service, it does not answer in time, or it answers with an error code.
    """
    if not await until(node, client.service_is_ready, timeout_s):
        raise SegueError(ErrorCode.ENVIRONMENT_INCOMPLETE, f"nobody offers the service {client.service_name}")
    future = client.call_async(request)
    if not await within(node, future, timeout_s):
        client.remove_pending_request(future)
        raise SegueError(
            ErrorCode.PROCESS_FAILED, f"no answer from {client.service_name} within {timeout_s:g} s"
        )
    response: Any = future.result()
    if response.error_code:
        raise SegueError(ErrorCode(response.error_code), f"{client.service_name}: {response.error_text}")
    return response
