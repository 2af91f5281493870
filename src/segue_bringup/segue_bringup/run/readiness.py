"""Waits until every node of a plan is ready: its lifecycle state, or the service that it must offer."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lifecycle_msgs.srv import GetState
from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future

from segue_bringup.resolution import NodePlan
from segue_bringup.run.patience import Patience
from segue_core.errors import ConfigError, ErrorCode

_ASK_EVERY_S = 0.2
_PATIENCE_S = 1.0  # with one answer: a node that has not found our end of the service yet answers nobody


class _Watch:
    """Readiness of one node."""

    def __init__(self, node: Node, plan: NodePlan) -> None:
        self.plan, self.state, self._node = plan, "not there yet", node
        self._client: Client[Any, Any] | None = None
        if plan.ready.state:
            self._client = node.create_client(GetState, f"{plan.full_name}/get_state")
        self._answer: Future[Any] | None = None
        self._asked_s = 0.0

    def ready(self) -> bool:
        wanted = self.plan.ready
        offered = wanted.service is None or self._node.count_services(self.plan.resolve(wanted.service)) > 0
        return offered and (self._client is None or self.state == wanted.state)

    def ask(self, now_s: float) -> None:
        """Ask for the state; at most one question is on its way, and one without answer is given up."""
        if self._client is None or not self._client.service_is_ready():
            return
        if self._answer is not None and not self._answer.done():
            if now_s - self._asked_s < _PATIENCE_S:
                return
            self._client.remove_pending_request(self._answer)
        self._asked_s, self._answer = now_s, self._client.call_async(GetState.Request())
        self._answer.add_done_callback(self._on_answer)

    def _on_answer(self, future: Future[Any]) -> None:
        answer: Any = future.result()
        self.state = answer.current_state.label


class Readiness:
    """Call `pending` again and again until it is empty; spins no executor itself.

    Args:
        pids: of the processes of nodes, by name: there is more patience with those that work.
    """

    def __init__(
        self, node: Node, plans: Sequence[NodePlan], pids: Callable[[], Mapping[str, int]] = dict
    ) -> None:
        self._node, self._asked_s, self._patience = node, 0.0, Patience(pids)
        self._watches = [_Watch(node, plan) for plan in plans]
        self._seen: list[tuple[str, str]] = []  # how far each was, when one last came further

    def pending(self) -> list[str]:
        """Names of the nodes that are not ready.

        Raises:
            ConfigError: a required node was not ready within its time, in which no other came further or worked either:
                they start one after the other, and a busy machine is slow with each.
        """
        now = time.monotonic()
        if now - self._asked_s < _ASK_EVERY_S:
            return [watch.plan.name for watch in self._watches]
        self._asked_s = now
        self._watches = [watch for watch in self._watches if not watch.ready()]
        for watch in self._watches:
            watch.ask(now)
        self._patience.look(*(watch.plan.name for watch in self._watches))
        if (seen := [(watch.plan.name, watch.state) for watch in self._watches]) != self._seen:
            self._seen = seen
            self._patience.begin()
        for watch in list(self._watches):
            if self._patience.over(watch.plan.ready.timeout_s):
                self._give_up(watch)
        return [watch.plan.name for watch in self._watches]

    def _give_up(self, watch: _Watch) -> None:
        plan = watch.plan
        text = (
            f"node {plan.name!r} was not ready within {plan.ready.timeout_s:g} s "
            f"(state: {watch.state}; {self._patience.spent()})"
        )
        if plan.required:
            raise ConfigError(ErrorCode.PROCESS_FAILED, text)
        self._node.get_logger().warning(f"{text}; going on without it")
        self._watches.remove(watch)


def same_names(node: Node, plans: Sequence[NodePlan]) -> list[str]:
    """Nodes of the domain, not of this graph, that have the names that this graph is about to use."""
    there = {f"{namespace.rstrip('/')}/{name}" for name, namespace in node.get_node_names_and_namespaces()}
    return sorted(plan.name for plan in plans if plan.full_name in there)
