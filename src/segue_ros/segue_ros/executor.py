"""rclpy's executor for one node, without what it does for every message and almost never needs.

rclpy builds its wait set anew whenever it waits, from everything that a node has, makes a task of every message and
wakes itself twice for each: most of the time of a node that is woken a hundred times a second. Here the wait set is
kept, and callbacks of messages and timers are called at once. Everything else is left to rclpy: services and actions
when they are asked for; ten times a second what is almost never there (events of quality of service, the services of
parameters and of the lifecycle).
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from rclpy.context import Context
from rclpy.event_handler import EventHandler
from rclpy.exceptions import InvalidHandle
from rclpy.executors import (
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
    TimeoutException,
)
from rclpy.guard_condition import GuardCondition
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from rclpy.waitable import NumberOfEntities

RARELY_S = 0.1
_AT_ONCE = 100
_RARE_SERVICES = frozenset({
    "change_state", "describe_parameters", "get_available_states", "get_available_transitions", "get_parameter_types",
    "get_parameters", "get_state", "get_transition_graph", "get_type_description", "list_parameters", "set_parameters",
    "set_parameters_atomically",
})  # fmt: skip


def _is_rare(entity: Any) -> bool:
    if isinstance(entity, EventHandler):
        return True
    return isinstance(entity, Service) and entity.srv_name.rpartition("/")[2] in _RARE_SERVICES


def _entities(node: Node) -> tuple[list[Any], ...]:
    return (
        list(node.subscriptions), list(node.timers), list(node.clients), list(node.services), list(node.guards),
        list(node.waitables),
    )  # fmt: skip


def _is_free(entity: Any) -> bool:
    """Whether its callback may be called: not while a coroutine of its group is under way."""
    return bool(entity.callback_group and entity.callback_group.can_execute(entity))


class _WaitSet:
    """The wait set of what is not rare and may be called. What is in it is not destroyed before `close`."""

    def __init__(self, node: Node, wake: list[GuardCondition], context: Context) -> None:
        self._entities = _entities(node)
        self._groups = [
            (e, _is_free(e)) for e in {e.callback_group: e for k in self._entities for e in k}.values()
        ]
        subscriptions, timers, self._clients, self._services, self._guards, self._waitables = (
            [e for e in kind if not _is_rare(e) and _is_free(e)] for kind in self._entities
        )
        self._wake, self._held = wake, ExitStack()
        asked = (*self._clients, *self._services)
        for entity in (*subscriptions, *timers, *asked, *self._guards, *wake):
            self._held.enter_context(entity.handle)
        self._subscriptions = {entity.handle.pointer: entity for entity in subscriptions}
        self._timers = {entity.handle.pointer: entity for entity in timers}
        guards = len(self._guards) + len(wake)
        count = NumberOfEntities(
            len(subscriptions), guards, len(timers), len(self._clients), len(self._services)
        )
        for waitable in self._waitables:
            self._held.enter_context(waitable)
            count += waitable.get_num_entities()
        assert context.handle is not None, "rclpy is not initialised"
        self._held.enter_context(context.handle)
        self._set = rclpy_implementation.WaitSet(
            count.num_subscriptions, count.num_guard_conditions, count.num_timers, count.num_clients,
            count.num_services, count.num_events, context.handle,
        )  # fmt: skip

    def fits(self, node: Node) -> bool:
        """Whether the node has the same entities, and the same of them may be called."""
        return self._entities == _entities(node) and all(_is_free(e) == was for e, was in self._groups)

    def wait(self, timeout_s: float) -> tuple[list[Timer], list["Subscription[Any]"], bool]:
        """Timers and subscriptions that are ready, and whether anything else is."""
        ready = self._set
        ready.clear_entities()
        for subscription in self._subscriptions.values():
            ready.add_subscription(subscription.handle)
        for timer in self._timers.values():
            ready.add_timer(timer.handle)
        for client in self._clients:
            ready.add_client(client.handle)
        for service in self._services:
            ready.add_service(service.handle)
        for guard in (*self._guards, *self._wake):
            ready.add_guard_condition(guard.handle)
        for waitable in self._waitables:
            waitable.add_to_wait_set(ready)
        ready.wait(max(0, round(1e9 * timeout_s)))
        timers, subscriptions = ready.get_ready_entities("timer"), ready.get_ready_entities("subscription")
        triggered = set(ready.get_ready_entities("guard_condition"))
        others = bool(ready.get_ready_entities("service") or ready.get_ready_entities("client"))
        for guard in self._guards:
            if guard.handle.pointer in triggered:
                others = guard._executor_triggered = True  # waiting has taken it; rclpy's next look sees this
        others = others or not (self._timers.keys() >= set(timers))
        others = others or not (self._subscriptions.keys() >= set(subscriptions))  # those of an action
        return (
            [self._timers[pointer] for pointer in timers if pointer in self._timers],
            [self._subscriptions[pointer] for pointer in subscriptions if pointer in self._subscriptions],
            others,
        )

    def close(self) -> None:
        """Let go of everything."""
        self._held.close()


class NodeExecutor(SingleThreadedExecutor):
    """Spins one node in one thread. Callbacks of its messages and timers are plain functions, no coroutines.

    Args:
        rest_s: pause before every wait, in which messages gather that are then taken together [s]; for nodes that
            nobody waits for.
    """

    def __init__(self, rest_s: float = 0.0) -> None:
        super().__init__()
        self._rest_s, self._due_s = rest_s, 0.0
        self._waiting: _WaitSet | None = None

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait until something is ready, or for `timeout_sec` (0.1 s at most), and call what is."""
        if self._rest_s:
            time.sleep(self._rest_s)
        now_s = time.monotonic()
        if now_s >= self._due_s:
            self._due_s = now_s + RARELY_S
            self._look_at_all()
            return
        longest_s = 0.0 if self._resume_tasks() else self._due_s - now_s
        timers, subscriptions, others = self._wait_set().wait(
            longest_s if timeout_sec is None or timeout_sec < 0.0 else min(timeout_sec, longest_s)
        )
        if not self._context.ok():
            raise ExternalShutdownException
        for timer in timers:
            self._call_timer(timer)
        for subscription in subscriptions:
            self._take(subscription)
        if others:
            self._look_at_all()

    def finish(self, within_s: float) -> bool:
        """Spin until no coroutine is under way any more, for `within_s` at most; whether none is."""
        end_s = time.monotonic() + within_s
        while self._under_way() and time.monotonic() < end_s:
            self.spin_once(RARELY_S)
        return not self._under_way()

    def _under_way(self) -> bool:
        with self._tasks_lock:
            return any(not task.done() for task, _, _ in self._tasks)

    def remove_node(self, node: Node) -> None:
        """Stop spinning this node."""
        self._let_go()
        super().remove_node(node)

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop spinning; whether nothing is left to be done."""
        self._let_go()
        return super().shutdown(timeout_sec)

    def _wait_set(self) -> _WaitSet:
        (node,) = self.get_nodes()
        if self._waiting is None or not self._waiting.fits(node):
            self._let_go()
            wake = [guard for guard in (self._guard, self._sigint_gc) if guard is not None]
            self._waiting = _WaitSet(node, wake, self._context)
        return self._waiting

    def _let_go(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.close()

    def _resume_tasks(self) -> bool:
        """Let coroutines look whether what they wait for has come; whether one is done, so that others may go on."""
        with self._tasks_lock:
            tasks = list(self._tasks)
        for task, _, _ in tasks:
            task()
            if task.done():
                task.result()  # raises what it raised
        done = [task for task, _, _ in tasks if task.done() or task.cancelled()]
        if done:
            with self._tasks_lock:
                self._tasks = [entry for entry in self._tasks if entry[0] not in done]
        return bool(done)

    def _look_at_all(self) -> None:
        try:
            for handler, _, _ in self._wait_for_ready_callbacks(0.0):
                handler()
                handler.result()  # raises what the callback raised
        except (TimeoutException, ShutdownException):
            pass

    def _call_timer(self, timer: Timer) -> None:
        try:
            with timer.handle:
                if not timer.handle.is_timer_ready():  # cancelled, or reset by a callback before this one
                    return
                timer.handle.call_timer_with_info()
        except InvalidHandle:  # destroyed by a callback before this one
            return
        callback: Any = timer.callback  # ours want no TimerInfo
        if callback:
            callback()

    def _take(self, subscription: "Subscription[Any]") -> None:
        try:
            with subscription.handle:
                taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
        except InvalidHandle:
            return
        if taken is not None:
            alone = subscription._callback_type is Subscription.CallbackType.MessageOnly
            callback: Any = subscription.callback
            callback(*taken[:1] if alone else taken)


def waiting_messages(subscription: "Subscription[Any]") -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """The messages of a subscription that have come already, and what the middleware tells of each; 100 at most."""
    for _ in range(_AT_ONCE):
        with subscription.handle:
            taken: Any = subscription.handle.take_message(subscription.msg_type, subscription.raw)
        if taken is None:
            return
        yield taken
