"""The simulated world stands until the graph is ready: nobody needs its time before, and everybody the processor."""

import time
from dataclasses import replace
from typing import Any

from rclpy.node import Node
from std_srvs.srv import SetBool

from segue_bringup.resolution import Plan
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

    Attributes:
        stands: whether its time has not begun to pass.
    """

    def __init__(self, node: Node, plan: Plan) -> None:
        self.stands = any(each.name == _SIMULATOR for each in plan.nodes)
        self._client: Any = node.create_client(SetBool, "sim/pause") if self.stands else None
        self._answers: list[Any] = []
        self._began_s: float | None = None

    def passes(self) -> bool:
        """Have its time pass; whether it does. Call it again and again while the node spins.

        Raises:
            ConfigError: the simulator does not answer.
        """
        if self.stands:
            self._ask(time.monotonic())
            self.stands = not any(answer.done() for answer in self._answers)
        return not self.stands

    def _ask(self, now_s: float) -> None:
        self._began_s = now_s if self._began_s is None else self._began_s
        if now_s - self._began_s > _PATIENCE_S:
            text = f"node {_SIMULATOR!r} does not let time pass: no answer within {_PATIENCE_S:g} s"
            raise ConfigError(ErrorCode.PROCESS_FAILED, text)
        if now_s - self._began_s >= len(self._answers) * ASK_AGAIN_S:
            self._answers.append(self._client.call_async(SetBool.Request(data=False)))
