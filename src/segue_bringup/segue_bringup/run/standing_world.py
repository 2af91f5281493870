"""The simulated world stands until the graph is ready: nobody needs its time before, and everybody the processor."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rclpy.node import Node
from std_srvs.srv import SetBool

from segue_bringup.resolution import Plan
from segue_bringup.run.patience import Patience
from segue_core.errors import ConfigError, ErrorCode
from segue_ros.waiting import ASK_AGAIN_S

_SIMULATOR = "simulator"
_PATIENCE_S = 20.0


def standing(plan: Plan) -> Plan:
    """The same plan, in which the simulator, where there is one, starts with time standing still."""
    nodes = (
        replace(node, parameters={**node.parameters, "stands": True}) if node.name == _SIMULATOR else node
        for node in plan.nodes
    )
    return replace(plan, nodes=tuple(nodes))


class StandingWorld:
    """The world of a graph that was started as `standing`.

    Args:
        pids: of the processes of nodes, by name: there is more patience with a simulator that works.

    Attributes:
        stands: whether its time has not begun to pass.
    """

    def __init__(self, node: Node, plan: Plan, pids: Callable[[], Mapping[str, int]] = dict) -> None:
        self.stands = any(each.name == _SIMULATOR for each in plan.nodes)
        self._client: Any = node.create_client(SetBool, "sim/pause") if self.stands else None
        self._answers: list[Any] = []
        self._pids = pids
        self._patience: Patience | None = None  # from the first question on

    def passes(self) -> bool:
        """Have its time pass; whether it does. Call it again and again while the node spins.

        Raises:
            ConfigError: the simulator does not answer.
        """
        if self.stands:
            self._ask(self._patience or Patience(self._pids))
            self.stands = not any(answer.done() for answer in self._answers)
        return not self.stands

    def _ask(self, patience: Patience) -> None:
        self._patience = patience
        patience.look(_SIMULATOR)
        if patience.over(_PATIENCE_S):
            text = f"node {_SIMULATOR!r} does not let time pass: no answer ({patience.spent()})"
            raise ConfigError(ErrorCode.PROCESS_FAILED, text)
        if patience.waited_s >= len(self._answers) * ASK_AGAIN_S:
            self._answers.append(self._client.call_async(SetBool.Request(data=False)))
