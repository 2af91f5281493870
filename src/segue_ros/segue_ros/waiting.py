"""Waiting inside coroutines that run on the node's own executor: for a future, a condition, or a service's answer."""

from collections.abc import Callable
from typing import Any

from rclpy.client import Client
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.task import Future

from segue_core.errors import ErrorCode, SegueError

_POLL_S = 0.02


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

    timer = node.create_timer(_POLL_S, look, clock=Clock(clock_type=ClockType.STEADY_TIME))
    try:
        return await within(node, done, timeout_s) or condition()
    finally:
        node.destroy_timer(timer)


async def call(node: Node, client: Client, request: Any, timeout_s: float = 5.0) -> Any:
    """The answer of a service whose response has `error_code` and `error_text`.

    Raises:
        SegueError: nobody offers the service, it does not answer in time, or it answers with an error code.
    """
    if not await until(node, client.service_is_ready, timeout_s):
        raise SegueError(ErrorCode.ENVIRONMENT_INCOMPLETE, f"nobody offers the service {client.srv_name}")
    future = client.call_async(request)
    if not await within(node, future, timeout_s):
        client.remove_pending_request(future)
        raise SegueError(ErrorCode.PROCESS_FAILED, f"no answer from {client.srv_name} within {timeout_s:g} s")
    response = future.result()
    if response.error_code:
        raise SegueError(ErrorCode(response.error_code), f"{client.srv_name}: {response.error_text}")
    return response
