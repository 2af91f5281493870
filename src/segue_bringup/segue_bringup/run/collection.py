"""A session in which a person records episodes: the graph without a policy, until enough are there or Ctrl-C."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray

from segue_bringup.run.episode import Ending, Episode
from segue_bringup.run.readiness import Readiness
from segue_interfaces.srv import Arm
from segue_ros.waiting import ASK_AGAIN_S

_STOP_ARM_S = 3.0
_RATE = "hz "


@dataclass
class Session:
    """What the display shows of the session; kept by `Collection`."""

    told: dict[str, str] = field(default_factory=dict)  # of the teleoperation node
    device: str = ""  # empty, or why it is gone
    rates: dict[str, float] = field(default_factory=dict)  # messages per second, by topic
    written: dict[str, int] = field(default_factory=dict)  # messages in the open episode, by topic
    recorder: str = "-"

    def take(self, message: DiagnosticArray) -> None:
        """Read one message of /diagnostics."""
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            if status.name == "teleop: session":
                self.told, self.device = values, "" if status.level == b"\x00" else status.message
            elif status.name == "recorder":
                self.recorder = status.message
                self.rates = {k[len(_RATE) :]: float(v) for k, v in values.items() if k.startswith(_RATE)}
                self.written = {k: int(v) for k, v in values.items() if k.startswith("/")}


@dataclass
class Collection(Episode):
    """An `Episode` that sends no goal: the teleoperation node does what the person wishes."""

    session: Session = field(default_factory=Session)

    def _connect(self, stack: Any) -> None:
        super()._connect(stack)
        self._node.create_subscription(DiagnosticArray, "diagnostics", self.session.take, 10)
        self._arm: Any = self._node.create_client(Arm, "segue/arm")

    def _do(self, goal: Any) -> Ending:
        readiness = Readiness(self._node, self.plan.nodes)
        if self._wait(lambda: self._nodes_ready(readiness)):
            self._headline("ready")
            done = self._wait(lambda: self.session.told.get("stage") == "done")
            self._disarm()
            if done:
                return Ending.RESULT
        return self._why()

    def _nodes_ready(self, readiness: Readiness) -> bool:
        pending = readiness.pending()
        self.progress.headline = f"waiting for {', '.join(pending)}"
        return not pending

    def _disarm(self) -> None:
        """The arm before the graph: a controlled stop."""
        answers: list[Any] = []
        end = time.monotonic() + _STOP_ARM_S
        while not any(answer.done() for answer in answers) and time.monotonic() < end:
            if time.monotonic() >= end - _STOP_ARM_S + len(answers) * ASK_AGAIN_S:
                answers.append(self._arm.call_async(Arm.Request(arm=False)))
            self._executor.spin_once(timeout_sec=0.05)
