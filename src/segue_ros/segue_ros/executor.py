"""rclpy's executor for one node, without what it does for every message and almost never needs.

rclpy builds its wait set anew whenever it waits, from everything that a node has, makes a task of every message and
wakes itself twice for each: most of the time of a node that is woken a hundred times a second. Here the wait set is
kept, and callbacks of messages and timers are called at once. Who asks a service or an action is answered until nobody
asks any more, for some milliseconds at a time: rclpy takes one request of each and builds its wait set for the next.
Everything else is left to rclpy, ten times a second: what is almost never there (events of quality of service, the
services of parameters and of the lifecycle).
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
from rclpy.waitable import NumberOfEntities, Waitable

RARELY_S = 0.1
_AT_ONCE = 100
_ANSWERING_S = 0.005  # of processor time, before messages and timers have their turn again
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


def _is_ready(entity: Any, context: Context) -> bool:
    """Whether a service, client or action has something to take."""
    is_service, is_action = isinstance(entity, Service), isinstance(entity, Waitable)
    counts = (0, 0, 0, int(not is_service), int(is_service), 0)
    if is_action:
        count = entity.get_num_entities()
        counts = (
            count.num_subscriptions, count.num_guard_conditions, count.num_timers, count.num_clients,
            count.num_services, count.num_events,
        )  # fmt: skip
    assert context.handle is not None, "rclpy is not initialised"
    with entity if is_action else entity.handle, context.handle:
        alone = rclpy_implementation.WaitSet(*counts, context.handle)
        alone.clear_entities()
        if is_action:
            entity.add_to_wait_set(alone)
        else:
            (alone.add_service if is_service else alone.add_client)(entity.handle)
        alone.wait(0)
        if is_action:
            return bool(entity.is_ready(alone))
        return bool(alone.get_ready_entities("service") or alone.get_ready_entities("client"))


class _WaitSet:
    """The wait set of what is not rare and may be called. What is in it is not destroyed before `close`."""

    def __init__(self, node: Node, wake: list[GuardCondition], context: Context) -> None:
        self._entities = _entities(node)
        self._groups = [
            (e, _is_free(e)) for e in {e.callback_group: e for k in self._entities for e in k}.values()
        ]
        subscriptions, timers, clients, services, self._guards, self._waitables = (
            [e for e in kind if not _is_rare(e) and _is_free(e)] for kind in self._entities
        )
        self._wake, self._held = wake, ExitStack()
        for entity in (*subscriptions, *timers, *clients, *services, *self._guards, *wake):
            self._held.enter_context(entity.handle)
        self._subscriptions = {entity.handle.pointer: entity for entity in subscriptions}
        self._timers = {entity.handle.pointer: entity for entity in timers}
        self._clients = {entity.handle.pointer: entity for entity in clients}
        self._services = {entity.handle.pointer: entity for entity in services}
        guards = len(self._guards) + len(wake)
        count = NumberOfEntities(len(subscriptions), guards, len(timers), len(clients), len(services))
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

    def wait(self, timeout_s: float) -> tuple[list[Timer], list["Subscription[Any]"], list[Any], bool]:
        """Timers and subscriptions that are ready, services, clients and actions that are, and whether else is any."""
        ready = self._set
        ready.clear_entities()
        for subscription in self._subscriptions.values():
            ready.add_subscription(subscription.handle)
        for timer in self._timers.values():
            ready.add_timer(timer.handle)
        for client in self._clients.values():
            ready.add_client(client.handle)
        for service in self._services.values():
            ready.add_service(service.handle)
        for guard in (*self._guards, *self._wake):
            ready.add_guard_condition(guard.handle)
        for waitable in self._waitables:
            waitable.add_to_wait_set(ready)
        ready.wait(max(0, round(1e9 * timeout_s)))
        triggered = set(ready.get_ready_entities("guard_condition"))
        others = False
        for guard in self._guards:
            if guard.handle.pointer in triggered:
                others = guard._executor_triggered = True  # waiting has taken it; rclpy's next look sees this
        found: list[list[Any]] = []
        of_actions = False
        kinds: tuple[tuple[Any, dict[int, Any]], ...] = (
            ("timer", self._timers), ("subscription", self._subscriptions), ("client", self._clients),
            ("service", self._services),
        )  # fmt: skip
        for kind, known in kinds:
            pointers = ready.get_ready_entities(kind)
            found.append([known[pointer] for pointer in pointers if pointer in known])
            of_actions = of_actions or len(found[-1]) < len(pointers)
        timers, subscriptions, clients, services = found
        actions = [each for each in self._waitables if each.is_ready(ready)] if of_actions else []
        return timers, subscriptions, [*clients, *services, *actions], others

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
        if is_due := now_s >= self._due_s:
            self._due_s = now_s + RARELY_S
            self._look_at_all()
            if self._is_shutdown or not self._context.ok():
                return
        longest_s = 0.0 if self._resume_tasks() or is_due else self._due_s - now_s
        timers, subscriptions, asking, others = self._wait_set().wait(
            longest_s if timeout_sec is None or timeout_sec < 0.0 else min(timeout_sec, longest_s)
        )
        if not self._context.ok():
            raise ExternalShutdownException
        for timer in timers:
            self._call_timer(timer)
        for subscription in subscriptions:
            self._take(subscription)
        self._answer(asking)
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

    def _answer(self, asking: list[Any]) -> None:
        """Serve services, clients and actions that are ready until none is, or others have waited long enough."""
        end_s = time.thread_time() + _ANSWERING_S
        while asking and time.thread_time() < end_s:
            asking = [entity for entity in asking if _is_free(entity) and self._serve(entity)]

    def _serve(self, entity: Any) -> bool:
        """Take one request or answer, as rclpy does; whether there may be more."""
        (node,) = self.get_nodes()
        take: Any = self._take_waitable
        if not isinstance(entity, Waitable):
            take = self._take_service if isinstance(entity, Service) else self._take_client
        try:
            handler = self._make_handler(entity, node, take)
            handler()
            handler.result()  # raises what the callback raised
            return _is_ready(entity, self._context)
        except InvalidHandle:  # destroyed by a callback
            return False

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
