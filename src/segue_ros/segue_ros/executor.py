"""rclpy's executor for one node, without what it does for every message and almost never needs.

rclpy builds its wait set anew whenever it waits, from everything that a node has. Most of that are events of quality of
service, two for each topic, and the services of parameters and of the lifecycle: half of the time of a node that is
woken a hundred times a second. They are looked at ten times a second here.
"""

import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from rclpy.event_handler import EventHandler
from rclpy.executors import SingleThreadedExecutor
from rclpy.service import Service
from rclpy.subscription import Subscription

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


class NodeExecutor(SingleThreadedExecutor):
    """Spins one node in one thread.

    Args:
        rest_s: pause before every wait, in which messages gather that are then taken together [s]; for nodes that
            nobody waits for.
    """

    def __init__(self, rest_s: float = 0.0) -> None:
        super().__init__()
        self._rest_s, self._looks_at_all, self._due_s = rest_s, True, 0.0

    def can_execute(self, entity: Any) -> bool:
        """Whether to wait for this entity now."""
        return (self._looks_at_all or not _is_rare(entity)) and bool(super().can_execute(entity))

    def _wait_for_ready_callbacks(self, *args: Any, **kwargs: Any) -> Generator[Any, None, None]:
        if self._rest_s:
            time.sleep(self._rest_s)
        now_s = time.monotonic()
        self._looks_at_all = now_s >= self._due_s
        if self._looks_at_all:
            self._due_s = now_s + RARELY_S
        yield from super()._wait_for_ready_callbacks(*args, **kwargs)


def waiting_messages(subscription: "Subscription[Any]") -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """The messages of a subscription that have come already, and what the middleware tells of each; 100 at most."""
    for _ in range(_AT_ONCE):
        with subscription.handle:
            taken: Any = subscription.handle.take_message(subscription.msg_type, subscription.raw)
        if taken is None:
            return
        yield taken
